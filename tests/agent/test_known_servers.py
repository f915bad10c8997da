"""The servers that an agent remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_agent.known_servers import FILE, KnownServers
from tests.agent.harness import quiet_log

SERVERS = ("192.0.2.1:8300", "192.0.2.2:8300")


def known(directory: Path | str) -> tuple[KnownServers, list[object]]:
    log, captured = quiet_log()
    return KnownServers(str(directory), log), [captured]


def test_what_was_kept_is_read_by_the_next_process_and_forgotten_when_told(tmp_path: Path) -> None:
    first, _ = known(tmp_path)
    assert first.read() == ()
    first.keep(SERVERS[::-1])
    assert known(tmp_path)[0].read() == SERVERS
    first.keep(SERVERS[:1])
    assert known(tmp_path)[0].read() == SERVERS[:1]
    first.forget()
    assert known(tmp_path)[0].read() == ()


def test_a_directory_that_may_not_even_be_looked_at_costs_only_the_memory_of_them(tmp_path: Path) -> None:
    far, _ = known(tmp_path / ("x" * 300))
    assert far.read() == ()
    far.keep(SERVERS)
    far.forget()
    assert far.read() == ()


def test_nothing_is_written_when_nothing_changed_or_nobody_is_known(tmp_path: Path) -> None:
    first, _ = known(tmp_path)
    first.keep(SERVERS)
    (tmp_path / FILE).unlink()
    first.keep(SERVERS)
    first.keep(())
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"\xff\xfe", b'[1, null, ""]', b"3"])
def test_a_damaged_file_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert known(tmp_path)[0].read() == ()


def test_a_directory_that_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    log, captured = quiet_log()
    lost = KnownServers(str(tmp_path / "none"), log)
    lost.keep(SERVERS)
    lost.keep(SERVERS[:1])
    lost.forget()
    assert [entry["event"] for entry in captured.entries] == ["agent.servers.not_kept"]


def test_without_a_directory_nothing_is_kept() -> None:
    lost, _ = known("")
    lost.keep(SERVERS)
    lost.forget()
    assert lost.read() == ()
