"""What can go wrong between a client and an agent: one hierarchy, whose root is `ApiError`.

`definite` says whether nothing was done, for sure: a write that failed so can be sent again, or given up, with a good
conscience. One that failed otherwise may have been carried out.
"""

from __future__ import annotations

from typing import Final

from lictor_core.errors import ClusterError, LictorError, PeerError

__all__ = ["AgentError", "ApiError", "TimedOutError", "UnreachableError", "UnreadableError"]

_TOO_MANY: Final = 429
_NO_LEADER: Final = "No cluster leader"
"""What agents, Consul's too, say when nobody led and so nothing was begun."""


class ApiError(LictorError):
    """The root of what a call can raise. `status` is that of HTTP, 0 where there was no answer."""

    status: int = 0
    body: str = ""


class AgentError(ApiError, PeerError):
    """The agent refused: `status` is that of HTTP, `reason` the text it gave.

    `retry_after_s`: how long it asks to be left alone, in seconds; None when it does not say.
    """

    code = "agent_refused"

    def __init__(self, status: int, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"Unexpected response code: {status}" + (f" ({reason})" if reason else ""))
        self.status = status
        self.reason = reason
        self.body = reason
        self.retry_after_s = retry_after_s
        self.definite = 400 <= status < 500 or reason.startswith(_NO_LEADER)

    @property
    def is_overload(self) -> bool:
        """Whether a bound of the agent was reached: the same call may succeed a little later."""
        return self.status == _TOO_MANY


class UnreachableError(ApiError, ClusterError):
    """No agent answers at the address; nothing was done."""

    code = "agent_unreachable"
    definite = True

    def __init__(self, address: str, reason: str, *, answers: bool = False) -> None:
        """`answers`: somebody is there, but the connection was refused by one side or the other."""
        advice = (
            ""
            if answers
            else ": is it running? Start one with `lictor agent -dev`, or name another address with -http-addr or "
            "LICTOR_HTTP_ADDR"
        )
        super().__init__(f"could not reach the agent at {address} ({reason}){advice}")
        self.address = address


class TimedOutError(ApiError, ClusterError):
    """The agent did not answer in time, or broke off: a write may or may not have been done."""

    code = "agent_silent"
    definite = False


class UnreadableError(ApiError, PeerError):
    """The agent answered something that cannot be understood, or too much: a write was most likely done."""

    code = "agent_unreadable"
    definite = False
