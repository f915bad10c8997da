"""What every endpoint is given besides the request: the agent it speaks for, and the caches of the HTTP API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lictor_agent.acl.vetting import Vetting
from lictor_agent.http.encoding import JSON, Answer, AnswerCache, json_body
from lictor_agent.http.executions import KeptExecutions
from lictor_agent.http.needs import NEEDS, Judge, require_gate
from lictor_agent.http.requests import Request
from lictor_agent.http.settings import HttpSettings
from lictor_agent.http.talkers import Talkers
from lictor_agent.log_listeners import LogListeners
from lictor_core.acl.caller import ANYBODY, Caller
from lictor_core.clock import Clock, Rng
from lictor_core.errors import UnknownDatacenterError
from lictor_core.metrics import Meter
from lictor_core.queries import Query
from lictor_core.registry import Pause, ReadOptions, Registry

if TYPE_CHECKING:
    from lictor_agent.agent import Agent
    from lictor_dns import DnsServer

__all__ = ["Site"]


@dataclass(frozen=True, slots=True)
class Site:
    """The agent behind the endpoints, its settings and its time."""

    agent: Agent
    settings: HttpSettings
    answers: AnswerCache
    clock: Clock
    rng: Rng
    meter: Meter
    listeners: LogListeners | None = None
    pause: Callable[[Query[object], ReadOptions], Awaitable[Pause | None]] | None = None
    """What a read would wait for, where the server is in this process."""
    dns: DnsServer | None = None
    """What answers DNS at this agent, to be asked why."""
    talkers: Talkers | None = None
    """Who asks most."""
    executions: KeptExecutions = field(default_factory=KeptExecutions)
    _asked: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])

    @property
    def registry(self) -> Registry:
        """The servers, near or far."""
        return self.agent.registry

    @property
    def datacenter(self) -> str:
        """This agent's datacenter."""
        return self.agent.identity.datacenter

    def is_pretty(self, request: Request) -> bool:
        """Whether the answer is to be indented."""
        return self.settings.always_pretty or request.wants_pretty

    def answer_json(
        self, request: Request, value: object, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        """An answer that shows `value` as JSON."""
        body = json_body(value, pretty=self.is_pretty(request))
        return Answer(status=status, headers=(JSON, *headers), body=body)

    def near(self, request: Request) -> str:
        """The node that the caller wants distances from; `_agent` is this one."""
        named = request.parameters.get("near")
        return self.agent.identity.node_name if named == "_agent" else named

    @property
    def default_token(self) -> str:
        """The token of who shows none; empty where tokens mean nothing."""
        gate = self.agent.gate
        return gate.slots.default if gate.is_on else ""

    async def caller(self, request: Request) -> Caller:
        """Who asks. Raises `PermissionDeniedError` for a token that nobody knows."""
        gate = self.agent.gate
        return await gate.caller(request.token) if gate.is_on else ANYBODY

    async def vetting(self, request: Request) -> Vetting:
        """What who asks may do with what is registered here. Raises as `caller`."""
        caller = await self.caller(request)
        return Vetting(caller.authorizer, self.agent.local, self.agent.identity.node_name)

    async def pass_gate(self, path: str, request: Request) -> None:
        """Raise `PermissionDeniedError` unless who asks may do what the table of needs says of this route."""
        if not self.agent.gate.is_on:
            return
        need = NEEDS[(path, request.method)]
        if need.judge is Judge.GATED:
            caller = await self.agent.gate.caller(request.token)
            require_gate(need, caller.authorizer, self.agent.identity.node_name)

    def recall(self, name: str) -> bool:
        """Whether `name` was asked for before, which `X-Cache` tells. The oldest names are forgotten."""
        known = name in self._asked
        self._asked[name] = None
        self._asked.move_to_end(name)
        if len(self._asked) > self.settings.answers_max:
            self._asked.popitem(last=False)
        return known

    def check_datacenter(self, name: str) -> None:
        """Raise `UnknownDatacenterError` unless `name` is this datacenter or empty."""
        if name and name != self.datacenter:
            raise UnknownDatacenterError
