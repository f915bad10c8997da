"""`/v1/internal/dns/explain`: why this agent's DNS answers a question as it does. Consul has no such thing."""

from __future__ import annotations

from typing import Final

from lictor_agent.http.described import Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_core.explanations import DnsExplanation
from lictor_dns import worded

__all__ = ["ROUTES"]

_NAME: Final = Parameter("name", "The name that is asked for, such as `web.service.consul`.", required=True)
_TYPE: Final = Parameter("type", "The type of records, `A` unless said; also as a number.")
_EDNS: Final = Parameter("edns", "As if the client took so many bytes over UDP; 512 unless said.", Kind.COUNT)
_TCP: Final = Parameter("tcp", "As if it were asked over TCP.", Kind.FLAG)
_DIGITS_MAX: Final = 5
_SHOWN_CHARS_MAX: Final = 40
_SUBNET: Final = Parameter("subnet", "As if asked for clients in this subnet, such as `192.0.2.0/24`.")


@described(DnsExplanation, _NAME, _TYPE, _EDNS, _TCP, _SUBNET, also={404: "This agent does not answer DNS."})
async def explain(site: Site, request: Request) -> Answer:
    """How the name was read, which instances were looked at and why each is in the answer or not, and what cut it."""
    parameters = request.parameters
    if site.dns is None:
        raise Refusal("this agent does not answer DNS", status=404)
    if not parameters.get("name"):
        raise Refusal("name the question, as in ?name=web.service.consul&type=SRV")
    question = worded(
        parameters.get("name"),
        parameters.get("type") or "A",
        is_udp="tcp" not in parameters,
        payload=_payload(parameters.get("edns")),
        subnet=parameters.get("subnet"),
    )
    return site.answer_json(request, await site.dns.explain(question))


def _payload(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise Refusal(f"edns is a number of bytes, not {text[:_SHOWN_CHARS_MAX]!r}")
    return int(text)


ROUTES: Final = (Route("/v1/internal/dns/explain", {"GET": explain}),)
