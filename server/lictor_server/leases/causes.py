"""Why a member is not alive, as people read it: which server saw what, and when (RFC 3339, UTC).

Each cause ends with the moment of the failure, which a later leader reads back from the catalog.
"""

from __future__ import annotations

import datetime
import re
from typing import Final

__all__ = [
    "ALIVE_OUTPUT",
    "FAILED_OUTPUT",
    "cause_of",
    "connection_closed",
    "damped",
    "failed_at",
    "failed_output",
    "forced_out",
    "nobody_vouches",
    "nothing_heard",
    "rfc3339",
    "server_ended",
    "server_silent",
]

ALIVE_OUTPUT: Final = "Agent alive and reachable"
FAILED_OUTPUT: Final = "Agent not live or unreachable"
"""The output of `serfHealth`, as Consul has it; the cause follows."""
_FAILED_AT: Final = re.compile(r"; failed at ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z)$")


def rfc3339(now: float) -> str:
    """A moment, in seconds since 1970, to the millisecond."""
    return (
        datetime.datetime.fromtimestamp(round(now, 3), datetime.UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def connection_closed(server: str, closed_at: float, grace_s: float, now: float) -> str:
    """Its connection closed, and the grace is over."""
    return _failed(
        f"server {server} saw its connection close at {rfc3339(closed_at)}, and it was not back within {grace_s:g} s",
        now,
    )


def nothing_heard(server: str, heard_at: float, lease_s: float, now: float) -> str:
    """Its lease ended."""
    return _failed(f"server {server} heard nothing from it for {lease_s:g} s, since {rfc3339(heard_at)}", now)


def server_ended(leader: str, ended_at: float, wait_s: float, now: float) -> str:
    """A server whose process was seen to end."""
    return _failed(
        f"leader {leader} saw its process end at {rfc3339(ended_at)}, and heard nothing from it within {wait_s:g} s",
        now,
    )


def server_silent(leader: str, server: str, heard_at: float, lease_s: float, now: float) -> str:
    """The server that vouched for it is gone, and it appeared at no other."""
    return _failed(
        f"server {server}, to which it was connected, has been silent for leader {leader} since {rfc3339(heard_at)}, "
        f"and it appeared at no other server within {lease_s:g} s",
        now,
    )


def nobody_vouches(leader: str, since: float, lease_s: float, now: float) -> str:
    """No server vouched for it in the time that a new leader grants everybody."""
    return _failed(f"no server vouched for it to leader {leader} within {lease_s:g} s, from {rfc3339(since)} on", now)


def forced_out(leader: str, now: float) -> str:
    """An operator declared it gone."""
    return f"an operator had leader {leader} force it out at {rfc3339(now)}"


def damped(failures: float, until: float) -> str:
    """It returned, and is not believed yet."""
    return f"it failed again and again (penalty {failures:.1f}), and passes only if it stays until {rfc3339(until)}"


def failed_output(cause: str) -> str:
    """The output of `serfHealth` for one that failed."""
    return f"{FAILED_OUTPUT}: {cause}" if cause else FAILED_OUTPUT


def cause_of(output: str) -> str:
    """The cause in an output that `failed_output` made."""
    return output.removeprefix(FAILED_OUTPUT).removeprefix(": ") if output.startswith(FAILED_OUTPUT) else ""


def failed_at(cause: str) -> float | None:
    """When it failed, in seconds since 1970; None when the cause does not say."""
    found = _FAILED_AT.search(cause)
    if found is None:
        return None
    try:
        return datetime.datetime.fromisoformat(found[1]).timestamp()
    except ValueError:
        return None


def _failed(what: str, now: float) -> str:
    return f"{what}; failed at {rfc3339(now)}"
