"""Explains a question that may need something first which the agent has not got yet."""

from __future__ import annotations

import asyncio
from typing import Final

from lictor_core.clock import Clock
from lictor_core.errors import ClusterError
from lictor_core.explanations import DnsExplanation
from lictor_core.registry import CatalogView, ColdViewError
from lictor_dns.asked import Asked
from lictor_dns.explain import Explaining
from lictor_dns.outside import Outside
from lictor_dns.settings import DnsSettings

__all__ = ["explained"]

_ROUNDS_MAX: Final = 16
"""How many things are fetched for one question: more than for an answer, since alternatives are looked at as well."""

_AT_ONCE: Final = 32
"""Instances that are judged before others on the loop get their turn: they take some milliseconds."""


async def explained(
    view: CatalogView, asked: Asked, settings: DnsSettings, clock: Clock, recursion: Outside | None = None
) -> DnsExplanation:
    """As `explain`, once what it needs is here. Raises `ClusterError` when that cannot be had."""
    for fetched in range(_ROUNDS_MAX):
        try:
            explaining = Explaining(view, asked, settings, now=clock.now(), recursion=recursion)
            while True:
                if not explaining.go_on(_AT_ONCE):
                    return explaining.result(fetched=fetched)
                await asyncio.sleep(0)
        except ColdViewError as cold:
            if not await _brought(cold):
                break
    raise ClusterError("no server told this agent in time what the question is about: DNS answers SERVFAIL; retry")


async def _brought(cold: ColdViewError) -> bool:
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def tell(is_there: bool) -> None:
        if not told.done():
            told.set_result(is_there)

    cold.bring(tell)
    return await told
