"""How to ask, and how to wait for the next change: by index, by hash, or by asking again.

Rules for indexes: Consul's document `api-docs/features/blocking`: an index that goes backwards is forgotten, one
below 1 does not block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from lictor_connect_proxy.feed.answers import policy_in
from lictor_connect_proxy.feed.asking import AgentSource, Answer
from lictor_connect_proxy.snapshot import Policy
from lictor_core.errors import PeerError

__all__ = ["POLL_S", "Fetched", "ask_by_hash", "ask_by_index", "ask_by_post", "ask_elsewhere", "ask_for_rules"]

T = TypeVar("T")

POLL_S: Final = 5.0
"""When answers that cannot be waited for are asked for again."""
_MATCH: Final = "/v1/connect/intentions/match"
_LIST: Final = "/v1/connect/intentions"
_JITTER: Final = 17 / 16
"""How much longer than it was asked to an agent may block."""
_NO_WAY_THERE: Final = "No path to datacenter"


class Fetched(NamedTuple, Generic[T]):
    """A value, and the cursor with which the next change of it can be waited for (empty: ask again in `rest_s`)."""

    value: T
    cursor: str
    rest_s: float = POLL_S


async def ask_by_hash(agent: AgentSource, cursor: str, path: str, parse: Callable[[bytes], T]) -> Fetched[T]:
    """What blocks by a hash of its content."""
    answer = await agent.get(path, _waiting(agent, "hash", cursor), wait_s=agent.wait_s * _JITTER)
    return Fetched(parse(answer.body), answer.headers.get("x-consul-contenthash", ""))


async def ask_by_index(
    agent: AgentSource, cursor: str, path: str, parse: Callable[[bytes], T], parameters: Mapping[str, str] | None = None
) -> Fetched[T]:
    """What blocks by an index."""
    query = {**(parameters or {}), **_waiting(agent, "index", cursor)}
    answer = await agent.get(path, query, wait_s=agent.wait_s * _JITTER)
    return Fetched(parse(answer.body), _index_after(answer, cursor))


async def ask_elsewhere(
    agent: AgentSource, cursor: str, path: str, parse: Callable[[bytes], T], parameters: Mapping[str, str]
) -> Fetched[T]:
    """As `ask_by_index`, in another datacenter: where no way leads there, nothing is there."""
    try:
        return await ask_by_index(agent, cursor, path, parse, parameters)
    except PeerError as error:
        if _NO_WAY_THERE not in str(error):
            raise
        return Fetched(parse(b"[]"), "")


async def ask_by_post(
    agent: AgentSource, cursor: str, path: str, parse: Callable[[bytes], T], parameters: Mapping[str, str], body: bytes
) -> Fetched[T]:
    """As `ask_by_index`, with a body that belongs to the question."""
    query = {**parameters, **_waiting(agent, "index", cursor)}
    answer = await agent.post(path, query, body, wait_s=agent.wait_s * _JITTER)
    return Fetched(parse(answer.body), _index_after(answer, cursor))


async def ask_for_rules(agent: AgentSource, cursor: str, service: str) -> Fetched[Policy]:
    """The intentions with `service` as destination.

    Consul 1.8 answers this question without an index, though it blocks by one; there the list of all intentions, which
    has one, tells when to ask again.
    """
    parameters = {"by": "destination", "name": service}
    kind, _, index = cursor.partition(":")
    if kind != "list":
        query = {**parameters, **_waiting(agent, "index", index)}
        answer = await agent.get(_MATCH, query, wait_s=agent.wait_s * _JITTER)
        if told := _index_told(answer):
            after = _index_after(answer, index)
            return Fetched(policy_in(answer.body, service, told), f"match:{after}" if after else "", 0.0)
    listed = await agent.get(_LIST, _waiting(agent, "index", index), wait_s=agent.wait_s * _JITTER)
    # Asked after the list, so the rules are at least as new as its index.
    answer = await agent.get(_MATCH, parameters)
    after = _index_after(listed, index)
    return Fetched(policy_in(answer.body, service, _index_told(listed)), f"list:{after}" if after else "")


def _waiting(agent: AgentSource, name: str, cursor: str) -> dict[str, str]:
    return {name: cursor, "wait": f"{agent.wait_s:g}s"} if cursor else {}


def _index_told(answer: Answer) -> int:
    """The index of an answer; 0 when it tells none."""
    text = answer.headers.get("x-consul-index", "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def _index_after(answer: Answer, before: str) -> str:
    told = _index_told(answer)
    return "" if told < 1 or (before and told < int(before)) else str(told)
