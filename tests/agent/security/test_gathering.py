"""Facts, gathered from a running agent, from files, and from what servers answer."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from lictor_agent.keyring import Keyring
from lictor_agent.security.gathering import gather
from lictor_config.load import load_configuration
from lictor_config.tree import Configuration, Origin
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import NoLeaderError
from lictor_core.keyring import Ring
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import LeaderStatus, Reading, ReadOptions
from lictor_server import Server
from tests.agent.harness import Running, running_agent
from tests.server.certificates import Authority
from tests.support.conditions import eventually

SERVER = "server = true\nbootstrap = true\n"
GUARDED = SERVER + 'acl { enabled = true\n default_policy = "deny" }\n'


def read(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "agent.hcl"
    path.write_text(f'data_dir = "{tmp_path}"\nbind_addr = "127.0.0.1"\nnode_name = "agent-1"\n{text}')
    path.chmod(0o640)
    return load_configuration(Origin(files=(str(path),)))


def opened(path: Path, mode: int) -> None:
    path.chmod(mode)


class Rotated:
    """Servers as whoever gathers asks them, and nobody else of the agent: they answer with these roots."""

    def __init__(self, server: Server, roots: Reading[CARoots]) -> None:
        self._server = server
        self._roots = roots

    async def read(self, *_: object) -> Reading[CARoots]:
        return self._roots

    async def leader_status(self) -> LeaderStatus:
        return await self._server.leader_status()


async def rooted(running: Running) -> None:
    await eventually(lambda: bool(running.events("ca.root.activated")), what="the root of the mesh")


async def test_an_agent_on_loopback_has_nothing_that_others_reach(tmp_path: Path) -> None:
    async with running_agent(configuration=read(tmp_path, SERVER)) as running:
        facts = await gather(running.agent, now=1.0)
    assert (facts.http_open, facts.grpc_plain, facts.dns, facts.rpc_listening, facts.rpc_dialed) == ((), (), (), "", "")
    assert (facts.server, facts.acls, facts.keys, facts.unknown) == (True, False, 0, ())


async def test_what_the_configuration_opens_is_seen(tmp_path: Path) -> None:
    text = """
    client_addr = "0.0.0.0"
    ports { grpc = 8502 }
    recursors = ["192.0.2.53"]
    enable_script_checks = true
    disable_remote_exec = false
    enable_debug = true
    encrypt_verify_incoming = false
    http_config { allow_write_http_from = ["10.0.0.0/8"] }
    """
    async with running_agent(configuration=read(tmp_path, SERVER + text)) as running:
        running.agent.keyring = Keyring(Ring((b"k" * 16, b"l" * 16)))
        facts = await gather(running.agent, now=1.0)
    assert facts.http_plain == ("0.0.0.0:8500",)
    assert facts.grpc_plain == ("0.0.0.0:8502",)
    assert facts.dns == ("0.0.0.0:8600",)
    assert (facts.recursors, facts.write_networks) == (("192.0.2.53",), ("10.0.0.0/8",))
    assert (facts.scripts_by_api, facts.remote_exec, facts.debug) == (True, True, True)
    assert (facts.keys, facts.key_demanded, facts.key_offered) == (2, False, True)


async def test_certificates_and_the_modes_of_files_are_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    pair = authority.server()
    opened(Path(pair.key_file), 0o644)
    text = f"""
    encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
    ca_file = "{authority.ca_file}"
    cert_file = "{pair.cert_file}"
    key_file = "{pair.key_file}"
    verify_incoming = true
    verify_server_hostname = true
    connect {{ enabled = true }}
    """
    opened(tmp_path, 0o755)
    now = time.time()  # noqa: TID251 certificates were made by the machine's clock
    async with running_agent(configuration=read(tmp_path, SERVER + text)) as running:
        await rooted(running)
        facts = await gather(running.agent, now=now)
    ends = {one.name: one.ends for one in facts.certificates}
    assert set(ends) == {
        f"the certificate in {pair.cert_file}",
        f"the CA certificate in {authority.ca_file}",
        "the active root of the mesh",
    }
    assert 0 < ends[f"the certificate in {pair.cert_file}"] - now < 2 * 86_400
    assert ends["the active root of the mesh"] - now > 365 * 86_400
    modes = {one.path: (one.mode, one.is_directory) for one in facts.files}
    assert modes == {
        str(tmp_path): (0o755, True),
        pair.key_file: (0o644, False),
        str(tmp_path / "agent.hcl"): (0o640, False),
    }
    assert facts.rpc_takes_tls
    assert facts.rpc_dials_tls
    assert facts.verify_incoming
    assert facts.verify_server_hostname


async def test_a_certificate_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("none")
    text = f'ca_file = "{bad}"\nverify_outgoing = true\nretry_join = ["127.0.0.1"]'
    async with running_agent(configuration=read(tmp_path, text)) as running:
        [reason] = (await gather(running.agent, now=1.0)).unknown
    assert reason.startswith(f"ca_file: {bad} cannot be read")


async def test_of_the_roots_of_the_mesh_the_active_one_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A former one is listed until its last leaf has ended; it may end itself."""
    async with running_agent(configuration=read(tmp_path, SERVER + "connect { enabled = true }")) as running:
        await rooted(running)
        reading = await running.server.read(CARootsQuery(), ReadOptions())
        [root] = reading.value.roots
        former = msgspec.structs.replace(root, active=False, not_after=root.not_before)
        both = msgspec.structs.replace(reading.value, roots=[former, root])

        rotated = Rotated(running.server, msgspec.structs.replace(reading, value=both))
        monkeypatch.setattr(running.agent, "registry", rotated)
        [told] = (await gather(running.agent, now=1.0)).certificates
    assert told.ends == datetime.fromisoformat(root.not_after).timestamp()


@pytest.mark.parametrize("is_management", [True, False])
async def test_what_the_anonymous_token_may_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_management: bool
) -> None:
    rules = (
        Rule(resource=Resource.NODE, is_prefix=True, access=Access.READ),
        Rule(resource=Resource.KEY, name="a", access=Access.WRITE),
        Rule(resource=Resource.KEY, name="b", access=Access.DENY),
        Rule(resource=Resource.SERVICE, name="c", access=Access.READ, intentions=Access.WRITE),
    )
    granted = Grants(
        accessor_id="anonymous",
        policies=(GrantedPolicy(name="p", rules=rules, is_management=is_management),),
        default=DefaultPolicy.DENY,
    )

    async def resolve(secret: str) -> Grants:
        assert secret == ""
        return granted

    async with running_agent(configuration=read(tmp_path, GUARDED)) as running:
        monkeypatch.setattr(running.server, "resolve_token", resolve)
        facts = await gather(running.agent, now=1.0)
    if is_management:
        assert facts.anonymous_writes == ("everything, by a policy of management",)
    else:
        assert [rule.split('"')[1] for rule in facts.anonymous_writes] == ["a", "c"]
        assert len(facts.anonymous_reads) == 3


async def test_servers_that_do_not_answer_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> Grants:
        raise NoLeaderError("No cluster leader")

    async with running_agent(configuration=read(tmp_path, GUARDED)) as running:
        monkeypatch.setattr(running.server, "resolve_token", away)
        monkeypatch.setattr(running.server, "leader_status", away)
        unknown = (await gather(running.agent, now=1.0)).unknown
    assert {reason.partition(":")[0] for reason in unknown} == {
        "what the anonymous token may do",
        "who the servers are",
    }
