"""A leader's desk over a state of its own: what is proposed is applied at once."""

from __future__ import annotations

from pathlib import Path

from lictor_core.acl.records import Link, Policy, Role, Token
from lictor_core.acl.requests import AclAnswer, AclOrder, AclRequest, PolicyWrite, RoleWrite, TokenWrite
from lictor_core.clock import SeededRng
from lictor_core.commands import Command, Outcome
from lictor_core.errors import error_from
from lictor_server.acl.desk import AclDesk
from lictor_server.acl.means import Means
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.settings import AclSettings
from lictor_server.state import Store, apply
from tests.server.conftest import made_log
from tests.support.clock import ManualClock

__all__ = ["ROOT", "Desk", "given_policy", "given_role", "given_token"]

ROOT = "root-secret"
_FIRST = 10


class Desk:
    """The desk, and everything that it works with."""

    def __init__(self, settings: AclSettings | None = None, *, data_dir: Path | None = None) -> None:
        self.settings = settings or AclSettings(enabled=True, initial_management=ROOT)
        self.store = Store("dc1")
        self.clock = ManualClock()
        self.log = made_log()
        self.resolver = Resolver(self.store, self.settings, self.clock)
        self.proposed: list[Command] = []
        self.means = Means(
            store=self.store,
            settings=self.settings,
            resolver=self.resolver,
            propose=self.propose,
            clock=self.clock,
            rng=SeededRng(1),
            log=self.log.logger,
            data_dir="" if data_dir is None else str(data_dir),
        )
        self.desk = AclDesk(self.means)

    async def propose(self, command: Command) -> Outcome:
        """What the log does."""
        self.proposed.append(command)
        outcome, _ = apply(self.store, max(self.store.index, _FIRST) + 1, command)
        if outcome.rejection is not None:
            raise error_from(outcome.rejection.code, outcome.rejection.message)
        return outcome

    async def begun(self) -> Desk:
        """With what a leader writes first."""
        await self.desk.prepare()
        return self

    async def order(self, order: AclOrder, token: str = ROOT) -> AclAnswer:
        """Have something done."""
        return await self.desk.carry_out(AclRequest(order=order, token=token))

    async def token(self, **fields: object) -> Token:
        """A new token."""
        answer = await self.order(TokenWrite(token=given_token(**fields), is_update=False))
        assert answer.token is not None
        return answer.token

    async def policy(self, name: str, rules: str = "") -> Policy:
        """A new policy."""
        answer = await self.order(PolicyWrite(policy=given_policy(name, rules), is_update=False))
        assert answer.policy is not None
        return answer.policy

    async def role(self, name: str, *policies: str) -> Role:
        """A new role with policies by name."""
        links = tuple(Link(id="", name=policy) for policy in policies)
        answer = await self.order(RoleWrite(role=given_role(name, policies=links), is_update=False))
        assert answer.role is not None
        return answer.role


def given_token(**fields: object) -> Token:
    """A token as a client gives it."""
    blank = {
        "accessor_id": "", "secret_id": "", "description": "", "local": False, "create_time": "", "hash": "",
        "create_index": 0, "modify_index": 0,
    }  # fmt: skip
    return Token(**{**blank, **fields})  # type: ignore[arg-type]


def given_policy(name: str, rules: str = "", **fields: object) -> Policy:
    """A policy as a client gives it."""
    blank = {"id": "", "description": "", "hash": "", "create_index": 0, "modify_index": 0}
    return Policy(name=name, rules=rules, **{**blank, **fields})  # type: ignore[arg-type]


def given_role(name: str, **fields: object) -> Role:
    """A role as a client gives it."""
    blank = {"id": "", "description": "", "hash": "", "create_index": 0, "modify_index": 0}
    return Role(name=name, **{**blank, **fields})  # type: ignore[arg-type]
