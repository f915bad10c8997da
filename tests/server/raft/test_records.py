"""Records of the log: what was written is read, and what was not is never taken for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_server.raft.records import FORMAT, HEAD_BYTES, Kind, Start, encode, encode_start, mark, scan

START = Start(FORMAT, 7, 0xDEADBEEF, 41)
PAYLOADS = st.lists(st.binary(max_size=60), max_size=8)


def file_of(payloads: list[bytes], *, marked: bool = True) -> bytes:
    """A segment with a mark before each entry, as batches of one are written."""
    data = encode_start(START)
    for entry, payload in enumerate(payloads, START.last_index + 1):
        data += mark(Kind.MARK, START.number, len(data), START.salt)
        data += encode(Kind.ENTRY, entry, 3, payload, START.salt)
    return data + (mark(Kind.END, START.number, len(data), START.salt) if marked else b"")


@given(PAYLOADS)
def test_reading_what_was_written_is_the_identity(payloads: list[bytes]) -> None:
    data = file_of(payloads)
    found = scan(data)
    entries = [record for record in found.records if record.kind is Kind.ENTRY]
    assert (found.start, found.end, found.mark_behind) == (START, len(data), None)
    assert [(record.entry, record.term, record.payload) for record in entries] == [
        (entry, 3, payload) for entry, payload in enumerate(payloads, START.last_index + 1)
    ]


@given(PAYLOADS, st.data())
def test_a_file_cut_anywhere_gives_the_records_before_the_cut(payloads: list[bytes], data: st.DataObject) -> None:
    whole = file_of(payloads)
    cut = data.draw(st.integers(0, len(whole)))
    found, all_records = scan(whole[:cut]), scan(whole).records
    assert found.records == all_records[: len(found.records)]
    assert found.mark_behind is None
    assert found.end <= cut
    if found.start is not None:
        assert all(
            record.offset + HEAD_BYTES + len(record.payload) > cut for record in all_records[len(found.records) :]
        )


@given(PAYLOADS, st.data())
def test_a_flipped_bit_before_the_last_mark_is_known_as_damage(payloads: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(file_of(payloads))
    last_mark = len(whole) - HEAD_BYTES
    place = data.draw(st.integers(0, last_mark - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    found = scan(bytes(whole))
    assert found.end <= place
    assert found.mark_behind is not None


@given(PAYLOADS, st.data())
def test_a_flipped_bit_in_the_last_batch_is_a_torn_tail(payloads: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(file_of([*payloads, b"last"], marked=False))
    start_of_batch = len(whole) - 2 * HEAD_BYTES - len(b"last")
    place = data.draw(st.integers(start_of_batch, len(whole) - 1))
    whole[place] ^= 0x10
    found = scan(bytes(whole))
    assert start_of_batch <= found.end <= place
    assert found.mark_behind is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    scan(data)
    scan(encode_start(START) + data)


def test_a_value_that_looks_like_a_mark_is_none_without_the_salt() -> None:
    data = encode_start(START)
    torn_at = len(data)
    forged = mark(Kind.MARK, START.number, torn_at + 40, START.salt ^ 1)
    found = scan(data + bytes(40) + forged)
    assert (found.end, found.mark_behind) == (torn_at, None)
