"""What to ask for each thing, and how to wait for its next change.

Rules for indexes: Consul's document `api-docs/features/blocking`: an index that goes backwards is forgotten, one
below 1 does not block.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote

from lictor_connect_proxy.feed.answers import (
    Registration,
    endpoints_in,
    leaf_in,
    policy_in,
    registration_in,
    roots_in,
)
from lictor_connect_proxy.feed.asking import AgentSource, Answer
from lictor_connect_proxy.snapshot import Endpoint, Leaf, Policy, TrustRoots, UpstreamKey

__all__ = ["Fetched", "Source", "endpoints", "leaf", "policy", "registration", "roots"]

T = TypeVar("T")

_JITTER: Final = 17 / 16
"""How much longer than it was asked to an agent may block."""


class Fetched(NamedTuple, Generic[T]):
    """A value, and the cursor with which the next change of it can be waited for (empty: cannot)."""

    value: T
    cursor: str


Source = Callable[[AgentSource, str], Awaitable[Fetched[T]]]
"""Ask once; the cursor is the one of the last answer, or empty to be answered at once."""


def registration(proxy_id: str) -> Source[Registration]:
    """The proxy's own registration, which blocks by a hash of its content."""
    path = f"/v1/agent/service/{quote(proxy_id, safe='')}"

    async def fetch(agent: AgentSource, cursor: str) -> Fetched[Registration]:
        answer = await agent.get(path, _waiting(agent, "hash", cursor), wait_s=agent.wait_s * _JITTER)
        return Fetched(registration_in(answer.body), answer.headers.get("x-consul-contenthash", ""))

    return fetch


def roots() -> Source[TrustRoots]:
    """The roots of the CA."""
    return _indexed("/v1/agent/connect/ca/roots", {}, roots_in)


def leaf(service: str) -> Source[Leaf]:
    """The leaf of the service, which the agent renews."""
    return _indexed(f"/v1/agent/connect/ca/leaf/{quote(service, safe='')}", {}, leaf_in)


def endpoints(key: UpstreamKey) -> Source[tuple[Endpoint, ...]]:
    """The healthy mesh instances of an upstream."""
    parameters = {"dc": key.datacenter} if key.datacenter else {}
    return _indexed(f"/v1/health/connect/{quote(key.service, safe='')}", parameters, endpoints_in)


def policy(service: str) -> Source[Policy]:
    """The intentions with `service` as destination.

    Consul 1.8 answers this question without an index, though it blocks by one; there the list of all intentions, which
    has one, tells when to ask again.
    """
    match = "/v1/connect/intentions/match"
    parameters = {"by": "destination", "name": service}

    async def fetch(agent: AgentSource, cursor: str) -> Fetched[Policy]:
        kind, _, index = cursor.partition(":")
        if kind != "list":
            answer = await agent.get(
                match, {**parameters, **_waiting(agent, "index", index)}, wait_s=agent.wait_s * _JITTER
            )
            found = _index_after(answer, index)
            if found:
                return Fetched(policy_in(answer.body, service), f"match:{found}")
        listed = await agent.get(
            "/v1/connect/intentions", _waiting(agent, "index", index), wait_s=agent.wait_s * _JITTER
        )
        # Asked after the list, so the rules are at least as new as its index.
        answer = await agent.get(match, parameters)
        return Fetched(policy_in(answer.body, service), f"list:{_index_after(listed, index)}")

    return fetch


def _indexed(path: str, parameters: dict[str, str], parse: Callable[[bytes], T]) -> Source[T]:
    async def fetch(agent: AgentSource, cursor: str) -> Fetched[T]:
        answer = await agent.get(
            path, {**parameters, **_waiting(agent, "index", cursor)}, wait_s=agent.wait_s * _JITTER
        )
        return Fetched(parse(answer.body), _index_after(answer, cursor))

    return fetch


def _waiting(agent: AgentSource, name: str, cursor: str) -> dict[str, str]:
    return {name: cursor, "wait": f"{agent.wait_s:g}s"} if cursor else {}


def _index_after(answer: Answer, before: str) -> str:
    text = answer.headers.get("x-consul-index", "")
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        return ""
    return "" if before and int(text) < int(before) else text
