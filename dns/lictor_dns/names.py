"""The grammar of names that can be asked, and the names that answers give (Consul's document `docs/discovery/dns`).

    [tag.]<service>.service[.<datacenter>].<domain>      an instance's address, or port with SRV
    _<service>._<tag>[.service][.<datacenter>].<domain>   the same after RFC 2782; the tag `tcp` stands for any
    <service>.connect[.<datacenter>].<domain>             what accepts mesh connections for a service
    <service>.ingress[.<datacenter>].<domain>             the ingress gateways that lead to a service
    <service>.virtual[.<datacenter>].<domain>             the virtual address of a service of the mesh
    <query>.query[.<datacenter>].<domain>                 what a prepared query finds; its name may have dots
    <node>.node[.<datacenter>].<domain>                   a node; its name may have dots
    <hex>.addr[.<anything>].<domain>                      the address that the label spells: targets of SRV records
    d.c.b.a.in-addr.arpa, <32 nibbles>.ip6.arpa           who has this address (RFC 1035, 3.5; RFC 3596, 2.5)

A name on the wire is a tuple of labels, bytes without dots between them, the root left out. Case does not count in
any of it (RFC 4343). Text and labels turn into each other as UTF-8; other bytes survive as surrogates.
"""

from __future__ import annotations

import enum
import functools
import ipaddress
import string
from typing import Final, NamedTuple

from lictor_core.errors import ConfigurationError

__all__ = [
    "NAME_BYTES_MAX",
    "AddressName",
    "IpAddress",
    "Labels",
    "Miss",
    "Name",
    "NodeName",
    "QueryName",
    "ReverseName",
    "ServiceName",
    "VirtualName",
    "Zone",
    "address_target",
    "is_of_query",
    "is_reverse",
    "labels_of",
    "lowered",
    "node_target",
    "parse_domain",
    "parse_ip",
    "parse_name",
    "service_target",
    "text_of",
]

Labels = tuple[bytes, ...]
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL_BYTES_MAX: Final = 63  # RFC 1035, section 2.3.4
NAME_BYTES_MAX: Final = 255
"""The same, counted on the wire: a length byte before each label and the root."""
_ANY_TAG: Final = ("", "tcp")
_KINDS: Final = frozenset((b"service", b"connect", b"ingress", b"node", b"query", b"addr", b"virtual"))
_VIRTUAL: Final = b"virtual"
_QUERY: Final = b"query"
_REVERSE_ROOT: Final = b"arpa"
_NIBBLES: Final = 32
_TEXTS_MAX: Final = 4096
"""Texts of registrations whose reading is remembered, by each of the functions that read them."""
_ADDRESS_BYTES: Final = (4, 16)
_HEX_DIGITS: Final = frozenset(string.hexdigits)


class Miss(enum.Enum):
    """A name that stands for nothing here: in our zone but of no known form, or of somebody else's zone."""

    UNKNOWN = enum.auto()
    FOREIGN = enum.auto()


class ServiceName(NamedTuple):
    """The instances of a service; or, at most one of them set, what accepts mesh connections for it (`connect`), the
    gateways that lead to it (`ingress`). An empty tag is any.
    """

    service: str
    tag: str
    datacenter: str
    connect: bool = False
    ingress: bool = False


class NodeName(NamedTuple):
    """One node."""

    node: str
    datacenter: str


class QueryName(NamedTuple):
    """What a prepared query finds: `query` is its name, what a template matches, or its id."""

    query: str
    datacenter: str


class VirtualName(NamedTuple):
    """The virtual address of a service of the mesh."""

    service: str
    datacenter: str


class AddressName(NamedTuple):
    """An address spelled as hexadecimal in `label`; `address` is None when they are too many or too few."""

    label: str
    address: IpAddress | None
    datacenter: str


class ReverseName(NamedTuple):
    """Whose address this is; None when the name is under `arpa` and spells no whole address."""

    address: IpAddress | None


Name = ServiceName | NodeName | QueryName | VirtualName | AddressName | ReverseName | Miss


class Zone(NamedTuple):
    """The names that are ours: under `domain`, or under `alternative`. Both and `datacenter` in lower case."""

    domain: Labels
    alternative: Labels | None
    datacenter: str

    def inside(self, labels: Labels) -> Labels | None:
        """What stands before our domain in `labels` (lower case); None when the name is not ours."""
        found: Labels | None = None
        for domain in (self.domain, self.alternative):
            if domain is None or labels[len(labels) - len(domain) :] != domain or len(labels) < len(domain):
                continue
            inner = labels[: len(labels) - len(domain)]
            # One domain may lie within the other: the longer one is meant.
            if found is None or len(inner) < len(found):
                found = inner
        return found


def is_of_query(labels: Labels) -> bool:
    """Whether `labels`, in any case, may name a prepared query."""
    return any(label.lower() == _QUERY for label in labels)


def parse_domain(text: str) -> Labels:
    """The labels of a configured domain, lower case. Raises `ConfigurationError` when it is no name."""
    labels = labels_of(text.lower())
    if not labels:
        raise ConfigurationError(f"domain {text!r} is no DNS name: use labels of 1 to 63 characters between dots")
    return labels


def parse_name(labels: Labels, zone: Zone, *, is_srv: bool) -> Name:
    """What `labels` name. `is_srv`: only there may the label `service` be left out after RFC 2782 labels."""
    folded = lowered(labels)
    if is_reverse(folded):
        return ReverseName(_reversed_address(folded[:-1]))
    inner = zone.inside(folded)
    if inner is None:
        return Miss.FOREIGN
    # The word nearest to the domain decides, so that a node or service may itself be called `service`.
    for place in range(len(inner) - 1, -1, -1):
        label = inner[place]
        if label in _KINDS and not (label == _VIRTUAL and _is_datacenter(inner, place, zone)):
            return _named(label, inner[:place], inner[place + 1 :], zone)
        if is_srv and label.startswith(b"_"):
            return _named(b"service", inner[: place + 1], inner[place + 1 :], zone)
    return Miss.UNKNOWN


def _is_datacenter(inner: Labels, place: int, zone: Zone) -> bool:
    # In Consul 1.8.7 `virtual` was no word, so a datacenter may be called so.
    return place == len(inner) - 1 and zone.datacenter == text_of(inner[place:])


def is_reverse(labels: Labels) -> bool:
    """Whether this is a question who has an address."""
    return bool(labels) and labels[-1].lower() == _REVERSE_ROOT


def _named(kind: bytes, parts: Labels, suffix: Labels, zone: Zone) -> Name:
    # An address is the same everywhere, so nothing after `addr` is looked at.
    if not parts or (len(suffix) > 1 and kind != b"addr"):
        return Miss.UNKNOWN
    datacenter = text_of(suffix) if suffix else zone.datacenter
    match kind:
        case b"service":
            return _service(parts, datacenter)
        case b"connect":
            return ServiceName(text_of(parts[-1:]), "", datacenter, connect=True)
        case b"ingress":
            return ServiceName(text_of(parts[-1:]), "", datacenter, ingress=True)
        case b"node":
            return NodeName(text_of(parts), datacenter)
        case b"virtual":
            return VirtualName(text_of(parts[-1:]), datacenter)
        case b"query":
            return QueryName(text_of(parts), datacenter)
        case _:
            return _spelled_address(parts, datacenter)


def _service(parts: Labels, datacenter: str) -> ServiceName:
    match parts:
        case (service, tag) if service.startswith(b"_") and tag.startswith(b"_"):
            wanted = text_of((tag[1:],))
            return ServiceName(text_of((service[1:],)), "" if wanted in _ANY_TAG else wanted, datacenter)
        case _:
            return ServiceName(text_of(parts[-1:]), text_of(parts[:-1]), datacenter)


def _spelled_address(parts: Labels, datacenter: str) -> AddressName | Miss:
    label = text_of(parts)
    # Consul counts whole bytes first: what is no address's length is a name without data, whatever its digits.
    if len(parts) == 1 and len(label) // 2 not in _ADDRESS_BYTES:
        return AddressName(label, None, datacenter)
    if len(parts) != 1 or len(label) % 2 or not _HEX_DIGITS.issuperset(label):
        return Miss.UNKNOWN
    return AddressName(label, ipaddress.ip_address(bytes.fromhex(label)), datacenter)


def _reversed_address(labels: Labels) -> IpAddress | None:
    *digits, family = labels if labels else (b"",)
    texts = [text_of((digit,)) for digit in reversed(digits)]
    if family == b"in-addr" and len(texts) == 4:
        return parse_ip(".".join(texts))
    if family == b"ip6" and len(texts) == _NIBBLES and all(len(text) == 1 for text in texts):
        joined = "".join(texts)
        return parse_ip(":".join(joined[place : place + 4] for place in range(0, _NIBBLES, 4)))
    return None


def node_target(node: str, datacenter: str, zone: Zone) -> Labels | None:
    """The name of a node in answers; None when the node's name fits in no DNS name."""
    return _within(node, b"node", datacenter, zone)


def service_target(service: str, datacenter: str, zone: Zone) -> Labels | None:
    """The name of a service in answers; None when it fits in no DNS name."""
    return _within(service, b"service", datacenter, zone)


def address_target(address: IpAddress, datacenter: str, zone: Zone) -> Labels:
    """A name that spells `address`, for SRV records, which must point to names (RFC 2782)."""
    return (address.packed.hex().encode(), b"addr", datacenter.encode(), *zone.domain)


@functools.lru_cache(_TEXTS_MAX)
def _within(name: str, kind: bytes, datacenter: str, zone: Zone) -> Labels | None:
    own = labels_of(name)
    if own is None:
        return None
    labels = (*own, kind, _bytes_of(datacenter), *zone.domain)
    return labels if _fits(labels) else None


@functools.lru_cache(_TEXTS_MAX)
def labels_of(name: str) -> Labels | None:
    """The labels of a host name, with or without its final dot; None for what is no DNS name, as the empty one."""
    labels = tuple(_bytes_of(name.removesuffix(".")).split(b"."))
    return labels if _fits(labels) else None


def _fits(labels: Labels) -> bool:
    return (
        all(0 < len(label) <= _LABEL_BYTES_MAX for label in labels)
        and sum(map(len, labels)) + len(labels) + 1 <= NAME_BYTES_MAX
    )


def lowered(labels: Labels) -> Labels:
    """The labels in the form in which they compare (RFC 4343)."""
    return tuple(label.lower() for label in labels)


def text_of(labels: Labels) -> str:
    """The labels with dots between them."""
    return b".".join(labels).decode("utf-8", "surrogateescape")


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@functools.lru_cache(_TEXTS_MAX)
def parse_ip(text: str) -> IpAddress | None:
    """The address in `text`; None when it is none. An IPv4 address inside IPv6 counts as the IPv4 one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address
