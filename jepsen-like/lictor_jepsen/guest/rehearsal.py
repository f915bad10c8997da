"""Before a run: of all that it will make, one of each at everybody, seen and taken away again.

Three things would spoil it. A token that may not write: whoever has a wrong one is to hear of it at once, not after all
operations failed. A token, or a DNS without one, that may not *see*: what the cluster hides from it would be taken for
lost, and the cluster blamed. A name in the file that the catalog does not know: what is registered at that agent would
be taken for somebody else's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

import msgspec

from lictor_jepsen.checker import Finding, Problem, Verdict
from lictor_jepsen.clients.base import Refused, decoded
from lictor_jepsen.clients.kv import SessionID
from lictor_jepsen.dns import ask as ask_dns
from lictor_jepsen.guest.asking import DeniedError, ask, keep_trying
from lictor_jepsen.guest.stay import Stay
from lictor_jepsen.guest.traces import Traces
from lictor_jepsen.http import Answer
from lictor_jepsen.instances import address_of, agent_registration, catalog_registration, health_rows, outside_node
from lictor_jepsen.net import Node
from lictor_jepsen.workload import Made

__all__ = ["rehearse"]

_NUMBER: Final = 1
"""Of all instances that are registered here."""
_DNS_ANSWER_S_MAX: Final = 2.0
_RIGHTS: Final = {
    Made.KEYS: 'a token with write for key_prefix "jepsen/"',
    Made.SESSIONS: 'a token with write for session_prefix ""',
    Made.NODES: f'a token with write for node_prefix "{outside_node("jepsen-")}" and service_prefix "jepsen-"',
    Made.SERVICES: 'a token with write for service_prefix "jepsen-", and read for node_prefix ""',
}
_DNS_RIGHTS: Final = (
    f'DNS with read for node_prefix "{outside_node("jepsen-")}" and service_prefix "jepsen-", by the default token of '
    "who answers, or the anonymous one"
)


class _MisnamedError(Exception):
    """An agent has another name than the file says."""


async def rehearse(stay: Stay, traces: Traces, monotonic: Callable[[], float]) -> Finding:
    """Whether a run can be judged there: `valid`, or `unknown` with what is lacking at whom."""
    until_s = monotonic() + stay.patience_s
    players = [_Player(stay, node, traces, until_s, monotonic) for node in stay.cluster.asked]
    told = [text for text in await asyncio.gather(*(player.play() for player in players)) if text]
    problems = tuple(map(Problem, told))
    return Finding(Verdict.UNKNOWN if problems else Verdict.VALID, len(players), problems)


class _Player:
    """Does all of it at one server or agent."""

    def __init__(self, stay: Stay, node: Node, traces: Traces, until_s: float, monotonic: Callable[[], float]) -> None:
        self._stay = stay
        self._node = node
        self._url = stay.cluster.urls[node.name]
        self._traces = traces
        self._until_s = until_s
        self._monotonic = monotonic
        self._name = f"{stay.mark}rehearsal-{node.number}"
        """Of the service, its instance and, with what such nodes begin with, its node."""

    async def play(self) -> str:
        """What is lacking, in a sentence; empty when all went well."""
        steps = {
            Made.KEYS: ("write and read keys", self._keys),
            Made.SESSIONS: ("make, list and end sessions", self._sessions),
            Made.NODES: ("register, show and deregister nodes", self._nodes),
            Made.SERVICES: ("register, show and deregister services of its own", self._services),
        }
        for made, (deed, step) in steps.items():
            if made in self._stay.makes and (told := await self._tried(made, deed, step)):
                return told
        return ""

    async def _tried(self, made: Made, deed: str, step: Callable[[], Awaitable[None]]) -> str:
        who = f"{self._node.name} does not let this token {deed}"
        try:
            await keep_trying(step, self._until_s, self._monotonic)
        except DeniedError as error:
            return f"{who}: {error}. It takes {_RIGHTS[made]}"
        except _MisnamedError as error:
            return str(error)
        except (OSError, Refused) as error:
            within = f"within {self._stay.patience_s:g} s"
            return f"{self._node.name} did not {deed} {within}: {error}. Does it serve, and is there {_RIGHTS[made]}?"
        return ""

    async def _ask(self, method: str, path: str, body: str = "") -> None:
        await ask(method, self._url + path, body)

    async def _make(self, made: Made, path: str, body: str) -> Answer:
        """One request that makes something. Where it is denied, nothing of that kind is looked for later."""
        is_denied = False
        try:
            return await ask("PUT", self._url + path, body)
        except DeniedError:
            is_denied = True
            raise
        finally:  # also when the run is interrupted meanwhile
            if not is_denied:
                self._traces.made.add(made)

    async def _keys(self) -> None:
        path = f"/v1/kv/{self._stay.prefix}rehearsal-{self._node.number}"
        await self._make(Made.KEYS, path, str(_NUMBER))
        await self._ask("GET", path)
        await self._ask("DELETE", path)

    async def _sessions(self) -> None:
        ttl_ms = self._stay.cluster.session_ttl_min_ms
        wanted: dict[str, object] = {"Name": self._stay.prefix, "Checks": [], "TTL": f"{ttl_ms}ms"}
        made = decoded(await self._make(Made.SESSIONS, "/v1/session/create", json.dumps(wanted)), SessionID).ID
        rows = decoded(await ask("GET", f"{self._url}/v1/session/list?consistent"), list[SessionID])
        await self._ask("PUT", f"/v1/session/destroy/{made}")
        _must(any(made == row.ID for row in rows), "a session that was made is not listed")

    async def _nodes(self) -> None:
        node = outside_node(self._name)
        body = catalog_registration(self._name, self._name, _NUMBER, "passing")
        await self._make(Made.NODES, "/v1/catalog/register", body)
        await self._shown_at(node)
        listed = await ask("GET", f"{self._url}/v1/catalog/node/{quote(node)}?consistent")
        _must(node in listed.text, "a node that was registered is not shown")
        if self._stay.work.needs.dns:
            await self._shown_by_dns(node)
        await self._ask("PUT", "/v1/catalog/deregister", json.dumps({"Node": node}))

    async def _services(self) -> None:
        body = agent_registration(self._name, self._name, _NUMBER)
        await self._make(Made.SERVICES, "/v1/agent/service/register", body)
        listed = await ask("GET", f"{self._url}/v1/agent/services")
        _must(self._name in decoded(listed, dict[str, msgspec.Raw]), "a service that was registered is not shown")
        await self._shown_at(self._node.name)
        await self._ask("PUT", f"/v1/agent/service/deregister/{self._name}")

    async def _shown_at(self, node: str) -> None:
        """The catalog must show the instance there. Raises `_MisnamedError` when it shows it elsewhere."""
        rows = health_rows(await ask("GET", f"{self._url}/v1/health/service/{self._name}?consistent"))
        assert isinstance(rows, tuple), "rows are several"
        nodes = [str(row[0]).partition("/")[0] for row in rows if isinstance(row, tuple)]
        others = [name for name in nodes if name not in (node, outside_node(self._name))]
        if others and node == self._node.name:
            raise _MisnamedError(
                f"{node} is {others[0]} in the catalog: give it that name in the file, for by it the services of its "
                "agent are told from others"
            )
        _must(node in nodes, f"a service that was registered at {node} is not shown by /v1/health/service")

    async def _shown_by_dns(self, node: str) -> None:
        address, port = self._stay.cluster.dns[self._node.name]
        for name in (f"{self._name}.service.{self._stay.cluster.domain}", f"{node}.node.{self._stay.cluster.domain}"):
            for over_tcp in (False, True):
                found = await ask_dns(address, port, name, "A", over_tcp=over_tcp, timeout_s=_DNS_ANSWER_S_MAX)
                is_there = any(record.data == address_of(_NUMBER) for record in found.records)
                answers = f"DNS at {address}:{port} answers {found.code} for {name}, which is registered"
                _must(is_there, f"{answers}; it takes {_DNS_RIGHTS}")


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Refused(otherwise, definite=True)
