"""Waits until the proxies of a service judge by an intention that was just written, and tells which do not.

Who should is asked of the catalog, who does of the servers, to whom agents tell it (`proxy_tidings`). What a proxy of
another maker runs is not known: it is among those that do not. Instances that are connect-native have no policy of
their own, and are not waited for: they ask their agent about each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lictor_core.agreement import SERVERS_OWN_CHECK
from lictor_core.clock import Clock
from lictor_core.errors import LictorError
from lictor_core.intentions import WILDCARD
from lictor_core.proxy_status import Enforcement, ProxyPolicy
from lictor_core.queries import IntentionMatchQuery, ServiceHealthQuery, ServicesQuery
from lictor_core.records import CRITICAL, Check, ServiceKind
from lictor_core.registry import ReadOptions, Registry

__all__ = ["SERVICES_MAX", "compared", "wait_enforced"]

SERVICES_MAX: Final = 1_000
"""Services whose proxies are looked up when an intention is for all; of more, only proxies that told are known."""
_PAUSE_S_MIN: Final = 0.01
_PAUSE_S_MAX: Final = 0.25
_UNTOLD_MS: Final = -1


async def wait_enforced(
    registry: Registry, destinations: Iterable[str], wait_s: float, *, clock: Clock, token: str = ""
) -> Enforcement:
    """Which proxies of these services, `*` for all, run what the registry holds now; asked again for `wait_s` at most.

    Of those whose agent is lost nobody can tell more: they alone are not waited for. Raises what the first reads do;
    what is told later and cannot be had counts as not told.
    """
    ends = clock.monotonic() + wait_s
    options = ReadOptions(token=token)
    wanted = {
        name: (await registry.read(IntentionMatchQuery(by="destination", name=name), options)).index
        for name in destinations
    }
    expected = [one for name in wanted for one in await _expected(registry, name, options)]
    told: dict[str, list[ProxyPolicy]] = {}
    pause_s = _PAUSE_S_MIN
    while True:
        for name in wanted:
            try:
                told[name] = await registry.proxies("" if name == WILDCARD else name, token=token)
            except LictorError:
                told.setdefault(name, [])
        found = compared(wanted, expected, [one for rows in told.values() for one in rows])
        left_s = ends - clock.monotonic()
        if all(one.lost for one in found.pending) or left_s <= 0:
            return found
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, _PAUSE_S_MAX)


def compared(wanted: Mapping[str, int], expected: Sequence[ProxyPolicy], told: Sequence[ProxyPolicy]) -> Enforcement:
    """Who runs the policy of the index that is `wanted` of its service. Pure.

    `expected` are proxies that should, with an index of 0; `told` what is known, of these and of others.
    """
    known = {(one.node.lower(), one.proxy_id): one for one in (*expected, *told)}
    ordered = [known[key] for key in sorted(known)]
    at_all = wanted.get(WILDCARD, 0)
    enforced: list[ProxyPolicy] = []
    pending: list[ProxyPolicy] = []
    for one in ordered:
        does = one.policy_index >= max(wanted.get(one.service, 0), at_all, 1)
        (enforced if does else pending).append(one)
    return Enforcement(
        index=max(wanted.values(), default=0), is_complete=not pending, enforced=enforced, pending=pending
    )


async def _expected(registry: Registry, name: str, options: ReadOptions) -> list[ProxyPolicy]:
    names = [name]
    if name == WILDCARD:
        everything = (await registry.read(ServicesQuery(), options)).value
        names = sorted(everything) if len(everything) <= SERVICES_MAX else []
    found: list[ProxyPolicy] = []
    for each in names:
        rows = (await registry.read(ServiceHealthQuery(service=each, connect=True), options)).value
        found.extend(
            ProxyPolicy(
                proxy_id=row.service.id,
                node=row.node.node,
                service=each,
                policy_index=0,
                age_ms=_UNTOLD_MS,
                lost=_is_lost(row.checks),
            )
            for row in rows
            if row.service.kind is ServiceKind.CONNECT_PROXY
        )
    return found


def _is_lost(checks: Sequence[Check]) -> bool:
    return any(one.check_id == SERVERS_OWN_CHECK and one.status == CRITICAL for one in checks)
