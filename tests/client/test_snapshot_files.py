"""`lictor snapshot`: files are whole or not there, and say what they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from lictor.api.blocking import Client
from lictor.api.calls import kv, snapshot
from lictor.api.messages import Options
from lictor.api.settings import Settings
from lictor_core.archive import new_meta, read_archive, write_archive
from lictor_core.commands import KVSet
from lictor_server.raft.members import encoded
from lictor_server.raft.records import Kind
from lictor_server.raft.segments import Change
from tests.client.conftest import Command
from tests.client.fake_agent import Reply, fake_agent
from tests.server.test_offline import THREE, entry, write_log

CONSUL = Path(__file__).parents[1] / "server" / "golden" / "consul-1.8.7.snap"


@pytest.fixture
def client(live_settings: Settings) -> Iterator[Client]:
    with Client(live_settings) as made:
        yield made


def archive(state: bytes = b"state") -> bytes:
    target = io.BytesIO()
    meta = new_meta(id="1-7-1000000000000", index=7, term=1, datacenter="dc1")
    write_archive(target, meta.of_size(len(state)), io.BytesIO(state))
    return target.getvalue()


def test_what_was_saved_can_be_inspected_and_restored(command: Command, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "backup.snap"
    client.send(kv.put("snapshot/key", b"saved"))
    saved = command("snapshot", "save", str(file))
    assert (saved.exit_code, saved.stderr) == (0, "")
    index = read_archive(io.BytesIO(file.read_bytes()), len).index
    assert saved.stdout == f"Saved and verified snapshot to index {index}\n"
    inspected = command("snapshot", "inspect", str(file))
    assert (inspected.exit_code, inspected.stderr) == (0, "")
    assert f"Index        {index}" in inspected.lines
    client.send(kv.put("snapshot/key", b"later"))
    restored = command("snapshot", "restore", str(file))
    assert (restored.exit_code, restored.stdout) == (0, "Restored snapshot\n")
    entry = client.send(kv.get("snapshot/key"))
    assert entry is not None
    assert entry.value == b"saved"


def test_the_client_saves_and_restores(client: Client) -> None:
    client.send(kv.put("snapshot/key", b"saved"))
    data = client.send(snapshot.save(Options(stale=True)))
    client.send(kv.put("snapshot/key", b"later"))
    client.send(snapshot.restore(data))
    entry = client.send(kv.get("snapshot/key"))
    assert entry is not None
    assert entry.value == b"saved"


def test_only_what_matters_is_asked_of_the_agent() -> None:
    assert snapshot.save(Options(datacenter="dc9", stale=True, index=5, wait_s=1)).request.target() == (
        "/v1/snapshot?dc=dc9&stale="
    )
    assert snapshot.restore(b"x", dc="dc9").request.target() == "/v1/snapshot?dc=dc9"


@pytest.mark.parametrize("body", [archive()[:-9], b"", b"null"])
@pytest.mark.parametrize("before", [None, b"an older backup"])
def test_an_answer_that_is_no_whole_snapshot_leaves_what_was_there(
    lonely_command: Command, tmp_path: Path, body: bytes, before: bytes | None
) -> None:
    file = tmp_path / "backup.snap"
    if before is not None:
        file.write_bytes(before)
    with fake_agent(lambda _: Reply(body=body)) as agent:
        printed = lonely_command("snapshot", "save", f"-http-addr={agent.address}", str(file))
    assert printed.exit_code == 1
    assert "the agent's answer" in printed.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == (
        {} if before is None else {"backup.snap": before}
    )


def test_a_saved_file_is_for_its_owner_alone(lonely_command: Command, tmp_path: Path) -> None:
    """It holds the keys of the certificate authority."""
    file = tmp_path / "backup.snap"
    file.write_bytes(b"an older backup")
    file.chmod(0o644)
    with fake_agent(lambda _: Reply(body=archive())) as agent:
        assert lonely_command("snapshot", "save", f"-http-addr={agent.address}", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == archive()


def test_where_nothing_can_be_written_is_told(lonely_command: Command, tmp_path: Path) -> None:
    with fake_agent(lambda _: Reply(body=archive())) as agent:
        printed = lonely_command("snapshot", "save", f"-http-addr={agent.address}", str(tmp_path / "none" / "x.snap"))
    assert (printed.exit_code, "none/x.snap: no such file or directory" in printed.stderr) == (1, True)


@pytest.mark.parametrize("name", [".", "/", "..", "backups"])
def test_a_directory_is_no_file_to_save_to(
    lonely_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "backups").mkdir()
    monkeypatch.chdir(tmp_path)
    with fake_agent(lambda _: Reply(body=archive())) as agent:
        printed = lonely_command("snapshot", "save", f"-http-addr={agent.address}", name)
    assert (printed.exit_code, printed.stdout) == (1, "")
    assert f"cannot write {name}: is a directory" in printed.stderr


def test_what_is_damaged_is_not_sent_to_the_agent(lonely_command: Command, tmp_path: Path) -> None:
    file = tmp_path / "backup.snap"
    file.write_bytes(archive()[:-9])
    with fake_agent(lambda _: Reply()) as agent:
        printed = lonely_command("snapshot", "restore", f"-http-addr={agent.address}", str(file))
        assert (printed.exit_code, agent.seen) == (1, [])
    assert "cut off" in printed.stderr


def test_a_snapshot_of_consul_is_described(lonely_command: Command) -> None:
    inspected = lonely_command("snapshot", "inspect", str(CONSUL))
    assert inspected.exit_code == 0
    assert "Index        33" in inspected.lines


def test_a_data_directory_is_saved_without_an_agent(lonely_command: Command, tmp_path: Path) -> None:
    write_log(tmp_path / "data", Change(Kind.ENTRY, 1, 1, encoded(THREE)), entry(2, KVSet(key="a", value=b"1")))
    file = tmp_path / "backup.snap"
    printed = lonely_command("snapshot", "save", f"-from-data-dir={tmp_path / 'data'}", str(file))
    assert printed.exit_code == 0
    assert printed.stdout == "Saved and verified snapshot to index 2\n"
    assert "up to entry 2" in printed.stderr
    assert "3 servers kept this log" in printed.stderr
    assert lonely_command("snapshot", "inspect", str(file)).exit_code == 0


def test_a_directory_that_is_none_leaves_no_file(lonely_command: Command, tmp_path: Path) -> None:
    file = tmp_path / "backup.snap"
    printed = lonely_command("snapshot", "save", f"-from-data-dir={tmp_path}", str(file))
    assert (printed.exit_code, "is no data directory of a server" in printed.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
