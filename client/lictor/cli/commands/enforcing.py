"""`-wait-enforced`: a change of intentions is done when the proxies judge by it, and those that do not are named."""

from __future__ import annotations

from typing import Final, TypeVar

from lictor.api.enforcing import enforced
from lictor.api.messages import Call
from lictor.cli.api import Api
from lictor.cli.errors import CommandError
from lictor.cli.flags import option
from lictor.cli.terminal import fail, print_table
from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import RequestError
from lictor_core.proxy_status import Enforcement, ProxyPolicy

__all__ = ["NOT_ENFORCED_EXIT", "WAIT_ENFORCED", "read_wait", "send_written", "tell_enforcement"]

T = TypeVar("T")

NOT_ENFORCED_EXIT: Final = 2
"""It was written, and some proxy does not judge by it, or does not say so."""
_ROWS_MAX: Final = 50

WAIT_ENFORCED: Final = option(
    "-wait-enforced", "Wait so long at most until all proxies concerned judge by the change.", metavar="duration"
)


def read_wait(text: str) -> float | None:
    """Seconds; None where the flag was not given. Raises `CommandError`."""
    if not text:
        return None
    try:
        return parse_duration(text)
    except RequestError as error:
        raise CommandError(f"-wait-enforced: {error}") from error


def send_written(api: Api, call: Call[T], wait_s: float | None) -> Enforcement | None:
    """Carry out a change of intentions; what came of waiting for the proxies, None when nobody wants that."""
    if wait_s is None:
        api.send(call)
        return None
    return api.send(enforced(call, wait_s))


def tell_enforcement(found: Enforcement) -> None:
    """Print how many proxies judge by it; leaves the program with `NOT_ENFORCED_EXIT` when some do not."""
    count = len(found.enforced) + len(found.pending)
    print(f"Enforced by {len(found.enforced)} of {count} proxies, at index {found.index}.")
    if found.is_complete:
        return
    rows = [("Pending proxy", "Node", "Service", "Index", "Told"), *map(_row, found.pending[:_ROWS_MAX])]
    print_table(rows)
    more = len(found.pending) - _ROWS_MAX
    count = len(found.pending)
    who = "1 proxy does" if count == 1 else f"{count} proxies do"
    fail(f"{who} not judge by it yet{f'; {more} of them are not shown' if more > 0 else ''}")
    raise SystemExit(NOT_ENFORCED_EXIT)


def _row(one: ProxyPolicy) -> tuple[str, str, str, str, str]:
    told = (
        "its agent is lost"
        if one.lost
        else "never"
        if one.age_ms < 0
        else f"{format_duration(round(one.age_ms / 1000, 1))} ago"
    )
    return one.proxy_id, one.node, one.service, str(one.policy_index) if one.policy_index else "none", told
