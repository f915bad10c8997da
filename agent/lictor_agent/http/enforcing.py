"""`?wait-enforced=5s`: the answer to a written intention tells which proxies judge by it by then.

Consul has no such thing. Without the parameter answers are as ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import msgspec

from lictor_agent.enforcement import wait_enforced
from lictor_agent.http.described import Kind, Parameter
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.site import Site
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["WAIT_ENFORCED", "answer_written", "enforced_wait_s"]

WAIT_ENFORCED: Final = Parameter(
    "wait-enforced",
    "Answer which proxies judge by the change and which do not, as soon as all do, or after this time.",
    Kind.DURATION,
)


def enforced_wait_s(request: Request) -> float | None:
    """How long to wait for proxies, no longer than blocking queries may; None when nobody asks for that.

    Raises `Refusal` for what is no duration.
    """
    if "wait-enforced" not in request.parameters:
        return None
    text = request.parameters.get("wait-enforced")
    try:
        wait_s = parse_duration(text) if text else 0.0
    except RequestError as error:
        raise Refusal(f"Invalid {WAIT_ENFORCED.name}: {error}") from error
    return min(max(wait_s, 0.0), request.wait_s_max)


async def answer_written(
    site: Site, request: Request, value: object, wait_s: float | None, destinations: Iterable[str]
) -> Answer:
    """The answer to a change that was written: `value`, or what came of waiting for the proxies of `destinations`.

    An object that would have been the answer is then part of it.
    """
    if wait_s is None:
        return site.answer_json(request, value)
    found = await wait_enforced(
        site.registry, dict.fromkeys(destinations), wait_s, clock=site.clock, token=request.token
    )
    shown = cast(JsonObject, msgspec.to_builtins(found))
    return site.answer_json(request, {**cast(JsonObject, value), **shown} if isinstance(value, dict) else shown)
