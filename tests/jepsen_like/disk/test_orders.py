"""What disks can be told, and which bit is turned over."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from lictor_jepsen.disk.image import Image, Loss
from lictor_jepsen.disk.orders import (
    ALL,
    Behave,
    Flip,
    Flipped,
    KeepCopy,
    Lose,
    Order,
    Wipe,
    choose_bit,
    flip,
    from_line,
    merged,
    to_line,
)


@pytest.mark.parametrize(
    "order",
    [
        Behave(off=True, sync_ms=20.0),
        Lose(seed=7, loss=Loss.TORN),
        Flip(seed=7, under="/data"),
        Wipe(under="/data"),
        KeepCopy(into="/x"),
    ],
)
def test_an_order_is_one_line(order: Order) -> None:
    line = to_line(order)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert from_line(line) == order


def test_what_is_no_order_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        from_line(b'{"type": "Explode"}')


def test_what_several_want_is_all_that_is_wrong_with_any() -> None:
    assert merged([]) == Behave()
    assert merged([Behave(full=True), Behave(), Behave(sync_ms=20.0), Behave(sync_ms=5.0, read_only=True)]) == Behave(
        full=True, sync_ms=20.0, read_only=True
    )
    assert merged([Behave(failing_syncs=1), Behave(failing_syncs=ALL)]).failing_syncs == ALL
    assert merged([Behave(failing_syncs=1), Behave(failing_syncs=2)]).failing_syncs == 3


def test_small_files_are_hit_as_often_as_large_ones_and_empty_ones_never() -> None:
    files = [("/log", 1_000_000), ("/vote", 20), ("/lock", 0)]
    found = [choose_bit(files, Random(seed)) for seed in range(200)]
    paths = [where.path for where in found if where is not None]
    assert len(paths) == 200
    assert 70 <= paths.count("/vote") <= 130
    assert "/lock" not in paths
    assert choose_bit([("/lock", 0)], Random(1)) is None


def test_a_bit_is_turned_over_for_good() -> None:
    image = Image()
    image.make_file("/f", 0o600).write(0, b"abc")
    image.sync_all()
    flip(image, Flipped(path="/f", offset=1, bit=0))
    [(_, file)] = image.files()
    assert file.now == file.kept == b"acc"
    image.lose(Random(1), Loss.FORGOTTEN)
    assert file.now == b"acc"
