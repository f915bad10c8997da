"""`/v1/operator/keyring`: the keys of gossip, of which there is none. Source: Consul's `api-docs/operator/keyring`.

A Consul cluster whose gossip is not encrypted answers every request with 500; so does this one, and says what protects
the traffic between agents instead.
"""

from __future__ import annotations

from typing import Final

from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import NOTHING, Body, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request, parse_bool
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site

__all__ = ["ROUTES"]

_BAD: Final = "Bad request: "
_RELAYS_MAX: Final = 5
_RELAYS: Final = Parameter("relay-factor", "How many nodes pass an answer on: 0 to 5.", Kind.COUNT)
_LOCAL: Final = Parameter("local-only", "Ask this agent alone.", Kind.BOOLEAN)
_ALSO: Final = {400: "A parameter or the body cannot be read."}


@described(NOTHING, _RELAYS, _LOCAL, also=_ALSO)
async def keys(site: Site, request: Request) -> Answer:
    """The keys of gossip: there are none."""
    _check_parameters(request)
    raise _no_keys("Keyring is empty (encryption not enabled)")


@described(NOTHING, _RELAYS, _LOCAL, body=Body("KeyringKey"), also=_ALSO)
async def change(site: Site, request: Request) -> Answer:
    """Install, use or remove a key of gossip: there is nothing that could use it."""
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=f"{_BAD}Request decode failed: ")
    reader.text("Key")
    reader.done()
    refuse_problems(reader, prefix=f"{_BAD}Request decode failed: ")
    if _check_parameters(request):
        raise Refusal(f"{_BAD}Invalid use of local-only: local-only can only be set for list requests")
    raise _no_keys("No keyring to modify (encryption not enabled)")


def _check_parameters(request: Request) -> bool:
    """Whether this agent alone is asked. Raises a `Refusal`."""
    relays, local = request.parameters.get("relay-factor"), request.parameters.get("local-only")
    if relays and not (relays.lstrip("+-").isascii() and relays.lstrip("+-").isdigit()):
        raise Refusal(f"{_BAD}Error parsing relay factor: {relays[:64]!r} is no whole number")
    if relays and relays not in {str(number) for number in range(_RELAYS_MAX + 1)}:
        raise Refusal(f"{_BAD}Invalid relay-factor: Relay factor must be in range: [0, {_RELAYS_MAX}]")
    alone = parse_bool(local) if local else False
    if alone is None:
        raise Refusal(f"{_BAD}Error parsing local-only: {local[:64]!r} is neither true nor false")
    return alone


def _no_keys(reason: str) -> Refusal:
    return Refusal(
        f"{reason}: agents here speak no gossip. What they say to servers goes over RPC, which TLS protects: "
        "see `lictor tls` and verify_incoming, verify_outgoing",
        status=500,
    )


ROUTES: Final = (Route("/v1/operator/keyring", {"GET": keys, "POST": change, "PUT": change, "DELETE": change}),)
