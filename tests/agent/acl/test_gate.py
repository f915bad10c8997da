"""What the agent's other parts ask about tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import LogCapture

from lictor_agent.acl.gate import Gate
from lictor_agent.acl.persistence import FILE
from lictor_agent.acl.slots import Slot
from lictor_config.sections import Tokens
from lictor_config.tree import Acl, Configuration
from lictor_core.acl.caller import ANYBODY
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import PermissionDeniedError, StorageError
from tests.agent.harness import quiet_log
from tests.support.clock import ManualClock

OPERATES = Rule(resource=Resource.OPERATOR, access=Access.READ)


class Servers:
    def __init__(self) -> None:
        self.asked = 0

    async def resolve(self, secret: str) -> Grants:
        self.asked += 1
        policy = GrantedPolicy(name="p", rules=(OPERATES,) if secret == "s" else ())
        return Grants(accessor_id="a", policies=(policy,), default=DefaultPolicy.DENY)


def configuration(directory: Path | str = "", *, server: bool = False, **acl: object) -> Configuration:
    chosen = replace(Acl(enabled=True, default_policy="deny"), **acl)  # type: ignore[arg-type]  # fields by name
    return Configuration(node_name="n1", data_dir=str(directory), server=server, acl=chosen)


def gate(chosen: Configuration) -> tuple[Gate, Servers, ManualClock, LogCapture]:
    servers, clock, (log, captured) = Servers(), ManualClock(), quiet_log()
    return Gate(chosen, clock, log, servers.resolve), servers, clock, captured


async def test_without_access_control_nobody_is_asked_and_everything_is_allowed() -> None:
    off, servers, _, _ = gate(Configuration(node_name="n1"))
    assert not off.is_on
    assert await off.caller("anything") is ANYBODY
    assert off.at_once("anything") is ANYBODY
    assert servers.asked == 0


async def test_rights_are_believed_for_the_shortest_of_the_times_to_live() -> None:
    on, servers, clock, _ = gate(configuration(token_ttl_s=60.0, policy_ttl_s=20.0, role_ttl_s=40.0))
    (await on.caller("s")).authorizer.require(Resource.OPERATOR)
    clock.advance(19)
    await on.caller("s")
    assert servers.asked == 1
    clock.advance(1)
    await on.caller("s")
    assert servers.asked == 2
    with pytest.raises(PermissionDeniedError, match="operator:read"):
        (await on.caller("other")).authorizer.require(Resource.OPERATOR)


async def test_a_time_to_live_of_roles_that_nobody_gave_shortens_nothing() -> None:
    on, servers, clock, _ = gate(configuration(token_ttl_s=60.0, policy_ttl_s=60.0, role_ttl_s=0.0))
    for _ in range(2):
        await on.caller("s")
        clock.advance(30)
    assert servers.asked == 1


async def test_a_server_is_asked_each_time_since_that_is_itself() -> None:
    on, servers, _, _ = gate(configuration(server=True))
    for _ in range(3):
        await on.caller("s")
    assert servers.asked == 3


async def test_other_servers_are_asked_anew() -> None:
    on, servers, _, _ = gate(configuration())
    await on.caller("s")
    on.reconnected()
    await on.caller("s")
    assert servers.asked == 2


async def test_a_token_that_was_told_is_kept_only_where_that_is_configured(tmp_path: Path) -> None:
    forgetful, _, _, _ = gate(configuration(tmp_path))
    await forgetful.tell(Slot.DEFAULT, "told")
    assert forgetful.slots.default == "told"
    assert not (tmp_path / FILE).exists()
    keeping, _, _, _ = gate(configuration(tmp_path, enable_token_persistence=True))
    await keeping.tell(Slot.DEFAULT, "told")
    assert json.loads((tmp_path / FILE).read_text()) == {"default": "told"}
    again, _, _, captured = gate(
        configuration(tmp_path, enable_token_persistence=True, tokens=Tokens(default="configured"))
    )
    assert again.slots.default == "told"
    assert [(one["event"], one["slot"]) for one in captured.entries] == [("acl.token.overruled", "default")]
    assert "told" not in str([one["slot"] for one in captured.entries])


async def test_a_reload_takes_the_configured_tokens_over(tmp_path: Path) -> None:
    on, _, _, _ = gate(configuration(tmp_path))
    await on.tell(Slot.AGENT, "told")
    on.follow(configuration(tmp_path, tokens=Tokens(agent="configured", default="d")))
    assert (on.slots.agent, on.slots.default) == ("configured", "d")


async def test_a_file_that_cannot_be_read_is_told_of_and_costs_the_told_tokens_alone(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    on, _, _, captured = gate(
        configuration(tmp_path, enable_token_persistence=True, tokens=Tokens(default="configured"))
    )
    assert on.slots.default == "configured"
    assert [one["event"] for one in captured.entries] == ["acl.tokens.unreadable"]


async def test_a_token_that_cannot_be_kept_is_used_all_the_same_and_who_told_it_is_told_so(tmp_path: Path) -> None:
    on, _, _, _ = gate(configuration(tmp_path / "none", enable_token_persistence=True))
    with pytest.raises(StorageError, match="cannot write"):
        await on.tell(Slot.DEFAULT, "told")
    assert on.slots.default == "told"
