"""The log's files: what was synced is there again, a torn tail goes, damage stops the start."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.clock import SeededRng
from lictor_core.errors import DataDamagedError, DiskFailedError, DiskFullError
from lictor_server.raft.memory_log import LogEntry
from lictor_server.raft.records import HEAD_BYTES, Kind
from lictor_server.raft.segments import Change, Loaded, Segments


def entry(index: int, payload: bytes = b"x", term: int = 1) -> Change:
    return Change(Kind.ENTRY, index, term, payload)


def opened(directory: Path, bytes_max: int = 1 << 20) -> tuple[Segments, Loaded]:
    segments = Segments(directory, SeededRng(1), segment_bytes_max=bytes_max)
    return segments, segments.load()


def load(directory: Path) -> Loaded:
    segments, loaded = opened(directory)
    segments.close()
    return loaded


def write(directory: Path, *batches: list[Change], bytes_max: int = 1 << 20, finish: bool = False) -> None:
    segments, _ = opened(directory, bytes_max)
    for batch in batches:
        segments.append(batch)
    if finish:
        segments.finish()
    segments.close()


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_a_new_log_is_empty(tmp_path: Path) -> None:
    assert load(tmp_path) == Loaded([], 0, None)


def test_batches_are_there_again(tmp_path: Path) -> None:
    write(tmp_path, [entry(1), entry(2)], [entry(3)])
    write(tmp_path, [entry(4)])
    assert load(tmp_path) == Loaded([(b"x", index, 1) for index in (1, 2, 3, 4)], 4, None)


def test_a_truncation_drops_what_came_before_it(tmp_path: Path) -> None:
    write(tmp_path, [entry(1), entry(2), entry(3)], [Change(Kind.TRUNCATE, 2, 0, b""), entry(2, b"y", 2)])
    assert load(tmp_path).entries == [(b"x", 1, 1), (b"y", 2, 2)]


def test_a_cleared_log_goes_on_at_any_index(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)], [Change(Kind.CLEAR, 0, 0, b""), entry(90), entry(91)])
    assert load(tmp_path) == Loaded([(b"x", 90, 1), (b"x", 91, 1)], 91, None)


def test_full_files_are_followed_by_others(tmp_path: Path) -> None:
    write(tmp_path, *([entry(index, bytes(50))] for index in range(1, 10)), bytes_max=200)
    assert len(files(tmp_path)) > 3
    assert [index for _, index, _ in load(tmp_path).entries] == list(range(1, 10))


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(1, 4)),
        st.tuples(st.just("truncate"), st.integers(1, 5)),
        st.tuples(st.just("reopen"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(OPERATIONS)
def test_any_history_is_replayed_to_what_it_left(operations: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        model: list[LogEntry] = []
        segments, _ = opened(Path(name), 150)
        for term, (what, count) in enumerate(operations, 1):
            if what == "reopen":
                segments.finish()
                segments, loaded = opened(Path(name), 150)
                assert loaded.entries == model
            elif what == "add":
                added = [(b"%d" % term, len(model) + 1 + place, term) for place in range(count)]
                segments.append([entry(index, payload, term) for payload, index, term in added])
                model += added
            elif len(model) >= count:
                segments.append([Change(Kind.TRUNCATE, len(model) + 1 - count, 0, b"")])
                del model[-count:]
        segments.close()
        assert load(Path(name)).entries == model


def test_a_tail_cut_at_any_byte_loses_no_whole_record_and_the_log_goes_on(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    write(origin, [entry(1), entry(2)], [entry(3)])
    data = files(origin)[0].read_bytes()
    for size in range(len(data)):
        directory = tmp_path / str(size)
        directory.mkdir()
        (directory / files(origin)[0].name).write_bytes(data[:size])
        first = load(directory)
        count = len(first.entries)
        assert first.entries == [(b"x", index, 1) for index in range(1, count + 1)]
        write(directory, [entry(count + 1, b"new")])
        again = load(directory)
        assert again.entries == [*first.entries, (b"new", count + 1, 1)]
        assert again.tail_cut is None


def test_a_torn_tail_is_reported_with_its_file_and_place(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)])
    path = files(tmp_path)[0]
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"torn")
    cut = load(tmp_path).tail_cut
    assert cut is not None
    assert (cut.path, cut.offset, cut.cut_bytes) == (path, size, 4)
    assert path.stat().st_size == size


def test_any_flipped_byte_before_the_last_mark_stops_the_start_and_names_the_place(tmp_path: Path) -> None:
    write(tmp_path, [entry(1), entry(2)], [entry(3)], [entry(4)], bytes_max=150, finish=True)
    assert len(files(tmp_path)) == 2
    last = files(tmp_path)[-1]
    for path in files(tmp_path):
        data = path.read_bytes()
        # Its last mark alone may be lost: nothing that anybody was told of is in it.
        for place in range(len(data) - (HEAD_BYTES if path == last else 0)):
            path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
            with pytest.raises(DataDamagedError, match=rf"{path.name} is damaged at offset \d+: .*empty the"):
                load(tmp_path)
        path.write_bytes(data)
    assert len(load(tmp_path).entries) == 4


def test_a_file_before_the_last_that_was_cut_stops_the_start(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)], [entry(2)], bytes_max=1)
    first = files(tmp_path)[0]
    data = first.read_bytes()
    for size in range(len(data)):
        first.write_bytes(data[:size])
        with pytest.raises(DataDamagedError, match=first.name):
            load(tmp_path)


def test_a_missing_file_between_others_stops_the_start(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)], [entry(2)], [entry(3)], bytes_max=1)
    files(tmp_path)[1].unlink()
    with pytest.raises(DataDamagedError, match="no file between"):
        load(tmp_path)


def test_a_file_under_the_name_of_another_stops_the_start(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)])
    shutil.copy(files(tmp_path)[0], tmp_path / "0000000000000002.log")
    with pytest.raises(DataDamagedError):
        load(tmp_path)


def test_a_file_that_was_being_made_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path, [entry(1)], bytes_max=1)
    write(tmp_path, [entry(2)], bytes_max=1)
    second = files(tmp_path)[1]
    for size in range(HEAD_BYTES):
        second.write_bytes(second.read_bytes()[:size])
        assert len(load(tmp_path).entries) == 1
        write(tmp_path, [entry(2)])
        assert len(load(tmp_path).entries) == 2


def test_old_files_go_and_the_rest_stays(tmp_path: Path) -> None:
    segments, _ = opened(tmp_path, 1)
    for index in range(1, 8):
        segments.append([entry(index)])
    assert segments.drop_before(5) == 4
    assert segments.drop_before(5) == 0
    segments.close()
    assert [index for _, index, _ in load(tmp_path).entries] == [5, 6, 7]


def test_the_last_file_stays_whatever_is_dropped(tmp_path: Path) -> None:
    segments, _ = opened(tmp_path, 1)
    for index in range(1, 4):
        segments.append([entry(index)])
    segments.drop_before(100)
    segments.close()
    assert load(tmp_path).last_index == 3


@pytest.mark.parametrize(
    ("call", "number", "kind"),
    [("fdatasync", errno.EIO, DiskFailedError), ("write", errno.ENOSPC, DiskFullError)],
)
def test_a_log_that_could_not_be_written_is_not_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, kind: type[Exception]
) -> None:
    segments, _ = opened(tmp_path)
    segments.append([entry(1)])

    def fail(*_arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(kind):
            segments.append([entry(2)])
    with pytest.raises(AssertionError, match="not written any more"):
        segments.append([entry(2)])
    segments.finish()
    assert load(tmp_path).entries[0] == (b"x", 1, 1)


def test_reading_finds_what_loading_finds_and_changes_no_file(tmp_path: Path) -> None:
    write(tmp_path, *([entry(index, bytes(50))] for index in range(1, 10)), bytes_max=200)
    last = files(tmp_path)[-1]
    last.write_bytes(last.read_bytes() + b"torn")
    (tmp_path / f"{int(last.stem) + 1:0{len(last.stem)}d}.log").touch()  # a process died as it made the next one
    before = [(path, path.read_bytes()) for path in files(tmp_path)]
    with pytest.raises(DataDamagedError):
        Segments(tmp_path, SeededRng(1)).read()
    files(tmp_path)[-1].unlink()
    seen = Segments(tmp_path, SeededRng(1)).read()
    assert [(path, path.read_bytes()) for path in files(tmp_path)] == before[:-1]
    assert seen == load(tmp_path)
    assert seen.tail_cut is not None
