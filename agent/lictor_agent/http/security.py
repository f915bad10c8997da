"""`/v1/operator/security`: what is open at this agent and in its cluster, and what closes it. Lictor's own."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_agent.http.described import described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.security import Finding, Severity, findings

__all__ = ["ROUTES", "SecurityAnswer"]


class SecurityAnswer(msgspec.Struct, rename="pascal", kw_only=True):
    """What is open, the worst first; `severe` counts what should not stay so."""

    node: str
    datacenter: str
    severe: int
    findings: list[Finding]


@described(SecurityAnswer)
async def security(site: Site, request: Request) -> Answer:
    """What is open at this agent and in its cluster, each with how severe it is and the setting that closes it."""
    # Imported here: few ask, and it looks at what belongs to other parts than HTTP.
    from lictor_agent.security.gathering import gather

    found = findings(await gather(site.agent, now=site.clock.now(), token=request.token))
    answer = SecurityAnswer(
        node=site.agent.identity.node_name,
        datacenter=site.datacenter,
        severe=sum(one.severity is Severity.SEVERE for one in found),
        findings=found,
    )
    return site.answer_json(request, answer)


ROUTES: Final = (Route("/v1/operator/security", {"GET": security}),)
