"""Faults of clocks: what stands in the files by which the processes go."""

from __future__ import annotations

import struct
import time
from random import Random

import pytest

from lictor_jepsen.clock import set_libc_clock, set_wall_clock
from lictor_jepsen.nemesis import FAULTS, Surroundings, subject
from lictor_jepsen.nemesis.clocks import CLOCK_FAULTS

SETTING = struct.Struct("<QdddQ")


def _settings(around: Surroundings) -> list[tuple[float, float]]:
    """By how much each clock is off, and its drift."""
    read = [
        SETTING.unpack(around.cluster.clock_path(node).read_bytes())
        for node in around.cluster.everybody
        if around.cluster.clock_path(node).exists()
    ]
    assert all(setting[0] == setting[4] for setting in read)
    return [(setting[1], setting[2]) for setting in read]


@pytest.mark.parametrize(("fault", "moves"), [("clock-jump", 0), ("clock-drift", 1)])
async def test_clocks_are_moved_and_true_again(around: Surroundings, fault: str, moves: int) -> None:
    for node in around.cluster.everybody:
        set_wall_clock(around.cluster.clock_path(node), 0.0, 0.0, time.monotonic())
    told = await FAULTS[fault].begin(around, Random(7))
    moved = [setting for setting in _settings(around) if setting != (0.0, 0.0)]
    assert moved
    assert len(moved) == len(told.split(", "))
    assert all(setting[1 - moves] == 0.0 for setting in moved)
    await FAULTS[fault].end(around)
    assert set(_settings(around)) == {(0.0, 0.0)}


async def test_clocks_of_all_code_are_moved_and_true_again(around: Surroundings) -> None:
    for node in around.cluster.everybody:
        set_libc_clock(around.cluster.libc_clock_path(node), 0.0)
    fault = FAULTS["clock-jump-all-code"]
    await fault.begin(around, Random(7))
    said = {around.cluster.libc_clock_path(node).read_text() for node in around.cluster.everybody}
    assert any(float(text) != 0 for text in said)
    await fault.end(around)
    said = {around.cluster.libc_clock_path(node).read_text() for node in around.cluster.everybody}
    assert {float(text) for text in said} == {0.0}


def test_no_two_faults_of_clocks_are_at_once() -> None:
    assert {subject(name) for name in CLOCK_FAULTS} == {"clocks"}
