"""What to do next when an agent refused. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Final

from lictor.api.errors import AgentError

__all__ = ["refusal"]

_REASON_CHARS_MAX: Final = 2_000
_NO_LEADER: Final = "No cluster leader"
_NO_DATACENTER: Final = "No path to datacenter"
_ACLS_OFF: Final = "ACL support disabled"
_BOOTSTRAPPED: Final = re.compile(r"ACL bootstrap no longer allowed \(reset index: (\d+)\)")
_NO_TOKEN: Final = "ACL not found"
_LACKS: Final = re.compile(
    r"""token with AccessorID '(?P<who>[^']+)' lacks permission '(?P<what>[a-z]+):(?P<access>[a-z]+)'"""
    r"""(?: on "(?P<name>[^"\\]*)")?"""
)
_NO_SESSION: Final = "invalid session"
_NO_ID: Final = "UUID must be 36 characters"
_WANTS_TLS: Final = "HTTP request to an HTTPS server"
_PAGES: Final = ("<!doctype", "<html")
_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_WRONG_METHOD: Final = 405


def refusal(error: AgentError, *, may_be_stale: bool) -> str:
    """The error in one line, with the next step where one is known; `may_be_stale`: -stale would have been taken."""
    reason = error.reason.strip()
    if reason.lower().startswith(_PAGES):
        return f"Unexpected response code: {error.status} (a page): no agent answers there, but another program"
    if len(reason) > _REASON_CHARS_MAX:
        reason = f"{reason[:_REASON_CHARS_MAX]}..."
    told = f"Unexpected response code: {error.status}" + (f" ({reason})" if reason else "")
    step = _next_step(error.status, reason, may_be_stale=may_be_stale)
    return f"{told}: {step}" if step else told


def _next_step(status: int, reason: str, *, may_be_stale: bool) -> str:
    if reason.startswith(_NO_LEADER):
        stale = "; -stale asks this agent's own server meanwhile" if may_be_stale else ""
        return f"see that a majority of the servers run{stale}"
    if _NO_DATACENTER in reason:
        return "`lictor catalog datacenters` lists those that are known"
    if _WANTS_TLS in reason:
        return "write https:// in front of the address"
    if reason.startswith(_NO_SESSION):
        return "make one with PUT /v1/session/create, or let `lictor lock` do it"
    if _NO_ID in reason:
        return "give the whole id, or the names"
    if (lacks := _LACKS.search(reason)) is not None:
        about = f"{lacks['what']}:{lacks['name']}" if lacks["name"] else lacks["what"]
        asked = f"lictor acl explain -token-accessor={lacks['who']} -resource={shlex.quote(about)}"
        return (
            "grant it by a policy or role of that token, or give another; "
            f"`{asked} -access={lacks['access']}` shows all rules"
        )
    if _ACLS_OFF in reason:
        return "set acl.enabled in the configuration of servers and agents to use tokens"
    if (bootstrapped := _BOOTSTRAPPED.search(reason)) is not None:
        return (
            "use a token that there is; where all are lost, write "
            f"{bootstrapped[1]} to the file acl-bootstrap-reset in the leader's data directory, and try again"
        )
    if reason.startswith(_NO_TOKEN):
        return "the token that was sent is none, or has ended; `lictor acl token list` shows those there are"
    return _STEPS.get(status, "")


_STEPS: Final = {
    _UNAUTHORIZED: "give a token with -token, -token-file or LICTOR_HTTP_TOKEN",
    _FORBIDDEN: "give a token that may do this with -token, -token-file or LICTOR_HTTP_TOKEN",
    _WRONG_METHOD: "this agent does not know this request; is it older than this program?",
    _TOO_LARGE: "send less at once, or raise the limit in the agent's configuration",
    _TOO_MANY: "the agent is busy; try again in a moment",
}
