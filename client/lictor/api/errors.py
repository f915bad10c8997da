"""What can go wrong between a client and an agent."""

from __future__ import annotations

from lictor_core.errors import ClusterError, PeerError

__all__ = ["AgentError", "TimedOutError", "UnreachableError"]


class AgentError(PeerError):
    """The agent refused: `status` is that of HTTP, `reason` the text it gave."""

    code = "agent_refused"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"Unexpected response code: {status}" + (f" ({reason})" if reason else ""))
        self.status = status
        self.reason = reason


class UnreachableError(ClusterError):
    """No agent answers at the address; nothing was done."""

    code = "agent_unreachable"
    definite = True

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"could not reach the agent at {address} ({reason}): is it running? "
            "Start one with `lictor agent -dev`, or name another address with -http-addr or LICTOR_HTTP_ADDR"
        )
        self.address = address


class TimedOutError(ClusterError):
    """The agent did not answer in time, or broke off: a write may or may not have been done."""

    code = "agent_silent"
    definite = False
