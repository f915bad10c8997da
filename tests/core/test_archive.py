"""Archives of a saved state: what is written is read back, and nothing else is."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core import archive as module
from lictor_core.archive import ARCHIVE_FORMAT, ArchiveMeta, ArchiveServer, new_meta, read_archive, write_archive
from lictor_core.errors import RequestError

CONSUL = Path(__file__).parent.parent / "server" / "golden" / "consul-1.8.7.snap"
STATE = bytes(range(256)) * 5


def written(state: bytes = STATE, *, size: int | None = None) -> bytes:
    target = io.BytesIO()
    write_archive(target, meta(len(state) if size is None else size), io.BytesIO(state))
    return target.getvalue()


def meta(size: int) -> ArchiveMeta:
    servers = (ArchiveServer(id="s1", address="192.0.2.1:8300"),)
    return new_meta(id="2-8-1", index=8, term=2, datacenter="dc1", servers=servers).of_size(size)


def read(data: bytes) -> tuple[ArchiveMeta, bytes]:
    state = bytearray()
    return read_archive(io.BytesIO(data), state.extend), bytes(state)


def repacked(
    *members: tuple[str, bytes], end: bytes = b"", change: Callable[[tarfile.TarInfo], None] | None = None
) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if change is not None:
                change(member)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue() + end)


def members() -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(written()), mode="r:gz") as archive:
        found = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        return {name: file.read() for name, file in found.items() if file is not None}


@given(st.binary(max_size=3000))
def test_what_is_written_is_read_back(state: bytes) -> None:
    assert read(written(state)) == (meta(len(state)), state)


def test_equal_states_give_equal_bytes() -> None:
    assert written() == written()


def test_usual_tools_can_open_and_check_it() -> None:
    found = members()
    assert list(found) == ["meta.json", "state.bin", "SHA256SUMS"]
    assert json.loads(found["meta.json"])["Product"] == "Lictor"
    assert json.loads(found["meta.json"])["Configuration"]["Servers"][0]["ID"] == "s1"
    for line in found["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert digest == hashlib.sha256(found[name]).hexdigest()


def test_nothing_follows_the_two_blocks_that_end_a_tar() -> None:
    """Consul's command takes anything more for damage."""
    plain = gzip.decompress(written())
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        last = archive.getmembers()[-1]
    assert len(plain) == last.offset_data + 512 + 2 * 512


def test_a_snapshot_of_consul_is_described_and_its_state_refused() -> None:
    found, state = read(CONSUL.read_bytes())
    assert (found.version, found.index, found.term, found.size) == (1, 33, 2, len(state))
    assert found.id.startswith("2-33-")
    with pytest.raises(RequestError, match="a snapshot of Consul"):
        found.check_ours()


def test_what_an_archive_says_it_is_can_be_refused_before_its_state_is_read() -> None:
    parts: list[bytes] = []
    with pytest.raises(RequestError, match="a snapshot of Consul"):
        read_archive(io.BytesIO(CONSUL.read_bytes()), parts.append, check=ArchiveMeta.check_ours)
    assert parts == []


def test_another_format_of_ours_is_refused_by_number() -> None:
    meta(1).check_ours()
    later = ArchiveMeta(version=1, product="Lictor", format=ARCHIVE_FORMAT + 1)
    with pytest.raises(RequestError, match=f"format {ARCHIVE_FORMAT + 1}"):
        later.check_ours()


@pytest.mark.parametrize("data", [written(), CONSUL.read_bytes()], ids=["ours", "Consul's"])
def test_an_archive_that_ends_at_any_byte_is_refused(data: bytes) -> None:
    for end in range(len(data)):
        with pytest.raises(RequestError):
            read(data[:end])


def test_a_flipped_bit_is_refused_or_changes_nothing() -> None:
    """Some bits of gzip's head say nothing, and in a run of zeros it does not matter from where one is copied."""
    data = written()
    whole = read(data)
    refused = 0
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        try:
            assert read(bytes(changed)) == whole
        except RequestError:
            refused += 1
    assert refused > len(data) * 0.9


@given(st.binary(max_size=400))
def test_bytes_that_are_no_archive_are_refused(data: bytes) -> None:
    for one in (data, gzip.compress(data), b"\x1f\x8b\x08\x00" + data):
        with pytest.raises(RequestError):
            read(one)


@pytest.mark.parametrize("name", ["meta.json", "state.bin", "SHA256SUMS"])
def test_a_missing_member_is_refused(name: str) -> None:
    rest = [(one, content) for one, content in members().items() if one != name]
    with pytest.raises(RequestError):
        read(repacked(*rest))


@pytest.mark.parametrize("odd", ["../state.bin", "/etc/passwd", "extra"])
@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_an_odd_member_anywhere_is_refused(odd: str, place: int) -> None:
    parts = list(members().items())
    parts.insert(place, (odd, b"x"))
    with pytest.raises(RequestError, match="not a snapshot"):
        read(repacked(*parts))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.XHDTYPE, b"L"])
def test_a_member_that_is_no_plain_file_is_refused(kind: bytes) -> None:
    def change(member: tarfile.TarInfo) -> None:
        member.type = kind

    with pytest.raises(RequestError):
        read(repacked(*members().items(), change=change))


def test_something_behind_the_end_is_refused() -> None:
    parts = list(members().items())
    assert read(repacked(*parts, end=bytes(512)))[1] == STATE
    for end in (b"x", bytes(1024 * 1024)):
        with pytest.raises(RequestError, match="behind SHA256SUMS"):
            read(repacked(*parts, end=end))


@pytest.mark.parametrize("name", ["meta.json", "state.bin"])
def test_a_checksum_that_is_wrong_names_the_member(name: str) -> None:
    parts = members()
    parts["SHA256SUMS"] = parts["SHA256SUMS"].replace(hashlib.sha256(parts[name]).hexdigest().encode(), b"0" * 64)
    with pytest.raises(RequestError, match=f"checksum of {name} is wrong"):
        read(repacked(*parts.items()))


@pytest.mark.parametrize("sums", [b"", b"nonsense\n", b"00  meta.json\n00  meta.json\n", b"00  other\n"])
def test_checksums_that_are_none_are_refused(sums: bytes) -> None:
    with pytest.raises(RequestError, match="SHA256SUMS has"):
        read(repacked(*(members() | {"SHA256SUMS": sums}).items()))


@pytest.mark.parametrize("described", [b"", b"{}", b"[]", b'{"Version": "1"}', b"\xff", b"[" * 100_000])
def test_a_description_that_is_none_is_refused(described: bytes) -> None:
    with pytest.raises(RequestError, match=r"meta\.json cannot be read"):
        read(repacked(*(members() | {"meta.json": described}).items()))


def test_another_layout_is_refused_by_number() -> None:
    with pytest.raises(RequestError, match="version 2"):
        read(repacked(*(members() | {"meta.json": b'{"Version": 2}'}).items()))


def test_a_state_of_another_size_than_described_is_refused() -> None:
    with pytest.raises(RequestError, match="instead of"):
        read(repacked(*(members() | {"state.bin": b"short"}).items()))


def test_no_more_is_read_than_the_bounds_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would unpack to a gigabyte is refused by its announced size, and by what really comes."""
    monkeypatch.setattr(module, "STATE_BYTES_MAX", len(STATE) - 1)
    with pytest.raises(RequestError, match=r"state\.bin in the snapshot has 1280 bytes; at most 1279"):
        read(written())
    monkeypatch.undo()
    with pytest.raises(RequestError, match=r"meta\.json in the snapshot has 2097152 bytes"):
        read(repacked(("meta.json", bytes(2 * 1024 * 1024))))


def test_the_state_comes_in_small_parts() -> None:
    parts: list[int] = []
    read_archive(io.BytesIO(written(bytes(1_000_000))), lambda part: parts.append(len(part)))
    assert sum(parts) == 1_000_000
    assert max(parts) <= 64 * 1024
