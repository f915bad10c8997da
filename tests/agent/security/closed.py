"""An agent at which nothing is open, though others reach it."""

from __future__ import annotations

from typing import Final

from lictor_agent.security import Facts, Severity, findings

__all__ = ["CLOSED", "found"]

CLOSED: Final = Facts(
    now=1_000_000.0,
    server=True,
    http_secured=("192.0.2.1:8501",),
    https_demands_certificates=True,
    rpc_listening="192.0.2.1:8300",
    rpc_dialed="192.0.2.2:8300",
    rpc_takes_tls=True,
    rpc_dials_tls=True,
    verify_incoming=True,
    verify_server_hostname=True,
    acls=True,
    allows_by_default=False,
)


def found(facts: Facts) -> dict[str, Severity]:
    """How severe each finding is, by its id."""
    return {one.id: one.severity for one in findings(facts)}
