"""`/v1/operator/keyring`: the keys that agents and servers prove to one another. Source: Consul's
`api-docs/operator/keyring`; answers with keys and without were asked of Consul 1.8.7.

Consul's are keys of its gossip, of which there is none here: see `docs/OPERATING.md` for what these protect. The pool
of the WAN, which Consul lists first, is that of the servers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from lictor_agent.http.bodies import read_mapping, refuse_problems
from lictor_agent.http.described import NOTHING, Body, Kind, Parameter, described
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request, parse_bool
from lictor_agent.http.router import Route
from lictor_agent.http.site import Site
from lictor_agent.keyring_changes import KeyringChanges, census
from lictor_core.errors import RequestError
from lictor_core.keyring import Ring, decode_key, parse_key
from lictor_core.membership import SERVER_ROLE
from lictor_core.records import Member
from lictor_core.sealed_ring import KeyTidings

__all__ = ["ROUTES", "KeyringAnswer"]

_BAD: Final = "Bad request: "
_RELAYS_MAX: Final = 5
_RELAYS: Final = Parameter("relay-factor", "How many nodes pass an answer on: 0 to 5.", Kind.COUNT)
_LOCAL: Final = Parameter("local-only", "Ask this agent alone.", Kind.BOOLEAN)
_ALSO: Final = {400: "A parameter or the body cannot be read."}
_STEPS: Final[dict[str, Callable[[Ring, bytes], Ring]]] = {
    "POST": Ring.installed,
    "PUT": Ring.used,
    "DELETE": Ring.removed,
}


class KeyringAnswer(msgspec.Struct, rename="pascal", kw_only=True, omit_defaults=True):
    """The keys of one pool of members, each with how many know it."""

    wan: bool = msgspec.field(name="WAN")
    datacenter: str
    segment: str
    messages: dict[str, str] = {}
    keys: dict[str, int]
    primary_keys: dict[str, int]
    num_nodes: int


@described(list[KeyringAnswer], _RELAYS, _LOCAL, also=_ALSO)
async def keys(site: Site, request: Request) -> Answer:
    """The keys that members know, and how many know each; without `local-only` also those of the servers alone."""
    local_only = _check_parameters(request)
    ring = site.agent.keyring.ring
    if ring is None:
        raise _no_keys("Keyring is empty (encryption not enabled)")
    changes = _changes(site)
    members, tidings = await changes.members(), await changes.tidings()
    servers = [one for one in members if one.tags.get("role") == SERVER_ROLE]
    pools = [] if local_only else [_pool(site, servers, tidings, ring, wan=True)]
    return site.answer_json(request, [*pools, _pool(site, members, tidings, ring, wan=False)])


@described(NOTHING, _RELAYS, _LOCAL, body=Body("KeyringKey"), also=_ALSO)
async def change(site: Site, request: Request) -> Answer:
    """Install a key at all members (POST), have them offer it first (PUT), or have them forget it (DELETE)."""
    reader = await read_mapping(request, site.settings.body_bytes_max, prefix=f"{_BAD}Request decode failed: ")
    text = reader.text("Key")
    reader.done()
    refuse_problems(reader, prefix=f"{_BAD}Request decode failed: ")
    if _check_parameters(request):
        raise Refusal(f"{_BAD}Invalid use of local-only: local-only can only be set for list requests")
    if site.agent.keyring.ring is None:
        raise _no_keys("No keyring to modify (encryption not enabled)")
    step = _STEPS[request.method]
    try:
        # What is no key is in no ring: as Consul, this forgets it without a word.
        key = decode_key(text) if request.method == "DELETE" else parse_key(text)
        late = await _changes(site).change(lambda ring: step(ring, key), token=request.token)
    except RequestError as error:
        raise Refusal(f"1 error occurred:\n\t* {site.datacenter} (LAN) error: {error}\n\n", status=500) from error
    if late:
        raise _unfinished(late)
    return Answer()


def _changes(site: Site) -> KeyringChanges:
    return KeyringChanges(site.agent.keyring, site.registry, site.datacenter, site.clock, site.rng)


def _pool(
    site: Site, members: Sequence[Member], tidings: Sequence[KeyTidings], ring: Ring, *, wan: bool
) -> KeyringAnswer:
    counted = census([one.name for one in members], tidings, ring)
    return KeyringAnswer(
        wan=wan,
        datacenter=site.datacenter,
        segment="",
        messages=dict.fromkeys(counted.silent, "it has told of no key: it has none, or has just come"),
        keys=counted.keys,
        primary_keys=counted.primaries,
        num_nodes=counted.members,
    )


def _unfinished(late: Sequence[str]) -> Refusal:
    lines = "".join(f"\t* {name}: it has not taken the change over yet, and does so once it can\n" for name in late)
    return Refusal(f"{len(late)} errors occurred:\n{lines}\n", status=500)


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
        f"{reason}: no agent here was given a key. `encrypt` gives one, which says who may connect; what is said then "
        "is protected by TLS: see `lictor tls` and verify_incoming, verify_outgoing",
        status=500,
    )


ROUTES: Final = (Route("/v1/operator/keyring", {"GET": keys, "POST": change, "PUT": change, "DELETE": change}),)
