"""Faults of clocks."""

from __future__ import annotations

import struct
from random import Random

from lictor_jepsen.nemesis import FAULTS, Surroundings


async def test_clocks_jump_and_are_true_again(around: Surroundings) -> None:
    paths = [around.cluster.clock_path(node) for node in around.cluster.everybody]
    for path in paths:
        path.write_bytes(struct.pack("<d", 0.0))
    await FAULTS["clock-jump"].begin(around.acting("clock-jump"), Random(7))
    assert any(struct.unpack("<d", path.read_bytes()) != (0.0,) for path in paths)
    await FAULTS["clock-jump"].end(around.acting("clock-jump"))
    assert {path.read_bytes() for path in paths} == {struct.pack("<d", 0.0)}
