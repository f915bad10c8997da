"""What a power cut may leave: what POSIX allows, and nothing else."""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_jepsen.disk.image import SECTOR, File, Folder, Image, Loss

LOSSES = st.sampled_from(list(Loss))
SEEDS = st.integers(0, 2**32)
WRITES = st.tuples(st.integers(0, 3 * SECTOR), st.binary(max_size=2 * SECTOR))
SIZES = st.integers(0, 4 * SECTOR)
CHANGES = st.lists(st.one_of(WRITES, SIZES), max_size=8)


def _file(path: str, image: Image) -> File:
    node = image.find(path)
    assert isinstance(node, File)
    return node


def _change(file: File, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        file.resize(change)
    else:
        file.write(*change)


def _histories(changes: list[tuple[int, bytes] | int], before: bytes) -> list[bytes]:
    """What a file held after each of the changes, by a model of its own."""
    held = [before]
    for change in changes:
        last = held[-1]
        if isinstance(change, int):
            held.append(last[:change].ljust(change, b"\0"))
        elif change[1]:
            offset, data = change
            held.append(last[:offset].ljust(offset, b"\0") + data + last[offset + len(data) :])
        else:
            held.append(last)
    return held


@given(CHANGES, CHANGES, SEEDS, LOSSES)
def test_what_was_synced_survives_and_programs_see_all_changes(
    synced: list[tuple[int, bytes] | int], later: list[tuple[int, bytes] | int], seed: int, loss: Loss
) -> None:
    file = File(0o600)
    for change in synced:
        _change(file, change)
    file.sync()
    kept = _histories(synced, b"")[-1]
    assert file.kept == file.now == kept
    file.lose(Random(seed), loss)
    assert file.now == kept, "nothing was unsynced"
    for change in later:
        _change(file, change)
    assert file.now == _histories(later, kept)[-1]


@given(CHANGES, CHANGES, SEEDS, LOSSES)
def test_every_sector_that_survives_is_one_that_was_there_since_the_sync(
    synced: list[tuple[int, bytes] | int], later: list[tuple[int, bytes] | int], seed: int, loss: Loss
) -> None:
    file = File(0o600)
    for change in synced:
        _change(file, change)
    file.sync()
    held = _histories(later, bytes(file.kept))
    for change in later:
        _change(file, change)
    file.lose(Random(seed), loss)
    assert file.now == file.kept
    assert file.is_synced
    survived = bytes(file.now)
    assert len(survived) in {len(one) for one in held} or loss is Loss.TORN
    if loss is Loss.FORGOTTEN:
        assert survived == held[0]
    for place in range(0, len(survived), SECTOR):
        sector = survived[place : place + SECTOR]
        # Shorter ones: the size and what the sector holds may be of different moments.
        allowed = {one[place : place + SECTOR].ljust(SECTOR, b"\0")[: len(sector)] for one in held}
        allowed.add(bytes(len(sector)))
        if loss is Loss.SCATTERED:
            pieces = {one[place : place + SECTOR].ljust(SECTOR, b"\0") for one in held} | {bytes(SECTOR)}
            assert all(any(piece[at] == byte for piece in pieces) for at, byte in enumerate(sector))
        else:
            assert sector in allowed


@given(CHANGES, SEEDS)
def test_torn_changes_are_those_up_to_some_moment_and_a_piece_of_the_next(
    changes: list[tuple[int, bytes] | int], seed: int
) -> None:
    file = File(0o600)
    for change in changes:
        _change(file, change)
    file.lose(Random(seed), Loss.TORN)
    held = _histories(changes, b"")
    survived = bytes(file.now)

    def torn(place: int) -> bool:
        change = changes[place]
        if isinstance(change, int):
            return False
        offset, data = change
        ends = range(SECTOR - offset % SECTOR, len(data) + 1, SECTOR)
        return any(_histories([(offset, data[:end])], held[place])[-1] == survived for end in ends)

    assert survived in held or any(torn(place) for place in range(len(changes)))


def test_each_loss_leaves_less_than_all_at_times() -> None:
    """Nobody relies on luck: over some seeds unsynced data is seen gone, there in part and there."""
    found: dict[Loss, set[bytes]] = {loss: set() for loss in Loss}
    for loss in Loss:
        for seed in range(40):
            file = File(0o600)
            file.write(0, b"a" * SECTOR)
            file.write(SECTOR, b"b" * 2 * SECTOR)
            file.lose(Random(seed), loss)
            found[loss].add(bytes(file.now).replace(b"\0" * SECTOR, b".").replace(b"a" * SECTOR, b"a"))
    assert found[Loss.FORGOTTEN] == {b""}
    assert found[Loss.TORN] == {b"", b"a", b"a" + b"b" * SECTOR, b"a" + b"b" * 2 * SECTOR}
    assert any(one.startswith(b".") and one.endswith(b"b") for one in found[Loss.SCATTERED]), "a hole before the rest"


def test_a_failed_sync_is_final() -> None:
    for evicted in (False, True):
        file = File(0o600)
        file.write(0, b"before")
        file.sync()
        file.write(6, b"lost")
        file.fail_sync(evicted=evicted)
        assert file.now == (b"before" + bytes(4) if evicted else b"beforelost")
        file.write(10, b"after")
        file.sync()
        file.lose(Random(1), Loss.FORGOTTEN)
        assert file.now == b"before" + bytes(4) + b"after", "a later sync succeeds, and what failed is not there"


def test_a_name_lasts_once_its_folder_is_synced_and_not_by_the_sync_of_its_file() -> None:
    image = Image()
    image.make_folder("/d", 0o700)
    image.root.sync()
    file = image.make_file("/d/f", 0o600)
    file.write(0, b"x")
    file.sync()
    image.lose(Random(1), Loss.FORGOTTEN)
    with pytest.raises(FileNotFoundError):
        image.find("/d/f")
    file = image.make_file("/d/f", 0o600)
    image.find("/d").sync()
    image.lose(Random(1), Loss.FORGOTTEN)
    assert _file("/d/f", image).now == b"", "the name lasts, the bytes were not synced"


@given(SEEDS, LOSSES)
def test_a_rename_is_there_or_not_and_never_halfway(seed: int, loss: Loss) -> None:
    image = Image()
    for name, data in (("f", b"old"), ("f.tmp", b"new")):
        image.make_file(f"/{name}", 0o600).write(0, data)
    image.sync_all()
    image.rename("/f.tmp", "/f")
    image.lose(Random(seed), loss)
    assert {path: bytes(file.now) for path, file in image.files()} in (
        {"/f": b"old", "/f.tmp": b"new"},
        {"/f": b"new"},
    )


@given(SEEDS, LOSSES)
def test_names_change_in_their_order(seed: int, loss: Loss) -> None:
    image = Image()
    for number in range(4):
        image.make_file(f"/{number}", 0o600)
    image.remove_file("/0")
    image.lose(Random(seed), loss)
    assert [path for path, _ in image.files()] in (
        [],
        ["/0"],
        ["/0", "/1"],
        ["/0", "/1", "/2"],
        ["/0", "/1", "/2", "/3"],
        ["/1", "/2", "/3"],
    )


def test_what_was_renamed_without_a_sync_of_its_bytes_may_be_empty_under_its_new_name() -> None:
    image = Image()
    image.make_file("/f.tmp", 0o600).write(0, b"new")
    image.rename("/f.tmp", "/f")
    image.root.sync()
    image.lose(Random(1), Loss.FORGOTTEN)
    assert _file("/f", image).now == b""


WRONG: list[tuple[Callable[[Image], object], int]] = [
    (lambda image: image.find("/none"), errno.ENOENT),
    (lambda image: image.find("/f/x"), errno.ENOTDIR),
    (lambda image: image.make_file("/f", 0o600), errno.EEXIST),
    (lambda image: image.make_file("/none/f", 0o600), errno.ENOENT),
    (lambda image: image.make_file("/f/x", 0o600), errno.ENOTDIR),
    (lambda image: image.remove_file("/d"), errno.EISDIR),
    (lambda image: image.remove_folder("/f"), errno.ENOTDIR),
    (lambda image: image.remove_folder("/d"), errno.ENOTEMPTY),
    (lambda image: image.remove_folder("/"), errno.EBUSY),
    (lambda image: image.rename("/f", "/d/f"), errno.EXDEV),
    (lambda image: image.rename("/f", "/d"), errno.ENOTEMPTY),
    (lambda image: image.rename("/f", "/empty"), errno.EISDIR),
    (lambda image: image.rename("/empty", "/f"), errno.ENOTDIR),
]


@pytest.mark.parametrize(("call", "number"), WRONG)
def test_wrong_calls_fail_as_system_calls_do(call: Callable[[Image], object], number: int) -> None:
    image = Image()
    image.make_file("/f", 0o600)
    image.make_folder("/empty", 0o700)
    image.make_folder("/d", 0o700)
    image.make_file("/d/g", 0o600)
    with pytest.raises(OSError) as caught:
        call(image)
    assert caught.value.errno == number


def test_files_are_counted_and_listed_wherever_they_are() -> None:
    image = Image()
    image.make_folder("/d", 0o700)
    image.make_file("/d/g", 0o600).write(0, b"four")
    image.make_file("/f", 0o600).write(8, b"x")
    assert [path for path, _ in image.files()] == ["/d/g", "/f"]
    assert image.used_bytes == 13
    image.remove_file("/d/g")
    image.remove_folder("/d")
    assert isinstance(image.find("/"), Folder)
    assert image.used_bytes == 9
