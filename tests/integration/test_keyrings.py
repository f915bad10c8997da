"""Keys that agents prove, with real processes: introduced, taken in, refused, rotated, missed and caught up with."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.agents import environment_for_commands, program_of
from tests.support.server_cluster import ServerCluster

pytestmark = pytest.mark.slow

FIRST, SECOND, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2, 3))


def settings(key: str, **more: object) -> dict[str, object]:
    return {"encrypt": key, **more}


def keyring(cluster: ServerCluster, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lictor keyring` at an agent."""
    return subprocess.run(
        [program_of("lictor"), "keyring", f"-http-addr={cluster.address(number)}:8500", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment_for_commands(),
    )


def alive(cluster: ServerCluster, number: int) -> set[str]:
    """The living members, as an agent sees them."""
    answer = cluster.ask(number, "/v1/agent/members")
    return {one["Name"] for one in json.loads(answer.body) if one["Status"] == 1} if answer.status == 200 else set()


def kept(cluster: ServerCluster, number: int) -> list[str]:
    """The keys in an agent's data directory."""
    keys: list[str] = json.loads((cluster.directory / f"d{number}" / "serf" / "local.keyring").read_text())
    return keys


def test_a_key_is_proven_rotated_at_all_members_and_caught_up_with(tmp_path: Path) -> None:
    cluster = ServerCluster(tmp_path, 1, settings(FIRST))
    with cluster.running():
        cluster.start_client(2, joins=(1,))
        cluster.start_client(3, joins=(1,))
        stranger = cluster.start_client(4, joins=(1,), settings=settings(OTHER))
        without = cluster.start_client(5, joins=(1,), settings={})
        cluster.until(lambda: alive(cluster, 1) == {"s1", "c2", "c3"}, "those with the key")
        cluster.until(lambda: "rpc.key.refused" in cluster.programs[1].log(), "the refusal of another key")
        cluster.until(lambda: "rpc.key.missed" in cluster.programs[1].log(), "the refusal of none")
        cluster.until(lambda: "none of the encrypt keys" in stranger.log(), "the reason at the other end")
        cluster.until(lambda: "prove an encrypt key" in without.log(), "the reason at the other end")
        assert f"{FIRST} [3/3]" in keyring(cluster, 2, "-list").stdout
        mode = (cluster.directory / "d2" / "serf" / "local.keyring").stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
        cluster.stop(3)
        cluster.until(lambda: alive(cluster, 1) == {"s1", "c2"}, "the loss of one")
        done = [keyring(cluster, 2, f"-{what}") for what in (f"install={SECOND}", f"use={SECOND}")]
        assert [one.returncode for one in done] == [0, 0], done
        assert kept(cluster, 1) == kept(cluster, 2) == [SECOND, FIRST]
        cluster.start_client(3, joins=(1,))
        cluster.until(lambda: kept(cluster, 3) == [SECOND, FIRST], "what was missed")
        cluster.until(lambda: f"{SECOND} [3/3]" in keyring(cluster, 1, "-list").stdout, "all to tell of both")
        assert keyring(cluster, 1, f"-remove={SECOND}").returncode == 1
        removed = keyring(cluster, 1, f"-remove={FIRST}")
        assert removed.returncode == 0, removed.stderr
        assert kept(cluster, 1) == kept(cluster, 2) == kept(cluster, 3) == [SECOND]
        cluster.stop(2)
        restarted = cluster.start_client(2, joins=(1,))  # its configuration still names the first one
        cluster.until(lambda: alive(cluster, 1) == {"s1", "c2", "c3"}, "all again")
        assert "agent.keyring.preferred" in restarted.log()
        said = "".join(path.read_text(errors="replace") for path in tmp_path.glob("*.log"))
        assert FIRST not in said
        assert SECOND not in said


def test_keys_are_introduced_without_an_end_of_service(tmp_path: Path) -> None:
    """Consul's three steps: all know it and nobody needs it, all offer it, all demand it."""
    cluster = ServerCluster(tmp_path, 1, {})
    with cluster.running():
        cluster.start_client(2, joins=(1,))
        for incoming, outgoing in ((False, False), (False, True), (True, True)):
            said = settings(FIRST, encrypt_verify_incoming=incoming, encrypt_verify_outgoing=outgoing)
            cluster.settings = {"performance": {"raft_multiplier": 1}, **said}
            for number in (1, 2):
                cluster.stop(number)
                cluster.start(1, joins=(1,)) if number == 1 else cluster.start_client(2, joins=(1,))
                cluster.until(lambda: alive(cluster, 1) == {"s1", "c2"}, "both")
        late = cluster.start_client(3, joins=(1,), settings={})
        cluster.until(lambda: "prove an encrypt key" in late.log(), "the refusal of who has none")
