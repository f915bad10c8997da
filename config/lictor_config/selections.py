"""Lists of interface addresses, narrowed down and shown: what the functions of address templates do. Pure.

Source: the documentation of go-sockaddr's templates (https://pkg.go.dev/github.com/hashicorp/go-sockaddr/template),
and what Consul 1.8.7 makes of them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from lictor_config.interfaces import Interface
from lictor_core.errors import ConfigurationError

__all__ = ["Selection", "TemplateProblem", "attribute", "by", "is_private", "moved", "ordered", "shown", "unique"]

Selection = tuple[Interface, ...]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_TYPES: Final = {"ip": (4, 6), "ipv4": (4,), "ipv6": (6,)}
_RFCS: Final[dict[str, tuple[str, ...]]] = {
    "919": ("255.255.255.255/32",),
    "1122": ("0.0.0.0/8", "127.0.0.0/8"),
    "1918": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "2544": ("198.18.0.0/15",),
    "3927": ("169.254.0.0/16",),
    "4193": ("fc00::/7",),
    "4291": ("::/128", "::1/128", "fe80::/10", "ff00::/8"),
    "5737": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
    "6598": ("100.64.0.0/10",),
    "6890": (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "240.0.0.0/4", "255.255.255.255/32", "::1/128", "::/128", "64:ff9b::/96", "::ffff:0:0/96", "100::/64",
        "2001::/23", "2001::/32", "2001:2::/48", "2001:db8::/32", "2001:10::/28", "2002::/16", "fc00::/7", "fe80::/10",
    ),
}  # fmt: skip
"""Networks by the number of the RFC that sets them apart; those that people name."""
_NOT_FORWARDED: Final = (
    "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24",
    "240.0.0.0/4", "255.255.255.255/32", "::1/128", "::/128", "::ffff:0:0/96", "2001:db8::/32", "2001:10::/28",
    "fe80::/10",
)  # fmt: skip
"""Networks whose addresses no router passes on: an address of none of them is `forwardable`."""


class TemplateProblem(ConfigurationError):
    """A template that means nothing; the message says what is wrong with it."""


def by(selector: str, wanted: str) -> Callable[[Interface], bool]:
    """The test that `include` and `exclude` make. Raises `TemplateProblem`."""
    if selector not in _SELECTORS:
        raise TemplateProblem(f'there is nothing called "{selector}" to choose by: use {", ".join(_SELECTORS)}')
    return _SELECTORS[selector](wanted)


def is_private(interface: Interface) -> bool:
    """Whether RFC 6890 sets the address apart."""
    return _within(_RFCS["6890"])(interface)


def ordered(interfaces: Selection, text: str) -> Selection:
    """Sorted by names such as `+type,-size`, the first one counting most. Raises `TemplateProblem`."""
    found = list(interfaces)
    for part in reversed(text.split(",")):
        name = part.strip().lstrip("+-")
        if name not in _ORDERS:
            raise TemplateProblem(f'there is nothing called "{name}" to sort by: use {", ".join(_ORDERS)}')
        order = _ORDERS[name]
        descending = part.strip().startswith("-")
        found.sort(key=order, reverse=descending)
        if name in ("address", "size"):  # only within one family do these mean anything
            found.sort(key=lambda interface: interface.address.version)
    return tuple(found)


def unique(interfaces: Selection, name: str) -> Selection:
    """The first one of each name, or of each address. Raises `TemplateProblem`."""
    kinds: Mapping[str, Callable[[Interface], object]] = {
        "name": lambda interface: interface.name,
        "address": lambda interface: interface.address.ip,
    }
    if name not in kinds:
        raise TemplateProblem(f'there is nothing called "{name}" to be unique by: use address or name')
    found: dict[object, Interface] = {}
    for interface in interfaces:
        found.setdefault(kinds[name](interface), interface)
    return tuple(found.values())


def moved(interfaces: Selection, what: str, text: str) -> Selection:
    """What `math` makes: addresses so much further on, or counted from the ends of their networks."""
    if re.fullmatch(r"[+-]\d{1,38}", text) is None:
        raise TemplateProblem(f'"{text}" is no step: write +1 or -1')
    if what not in ("address", "network"):
        raise TemplateProblem(f'there is nothing called "{what}" to count from: use address or network')
    step = int(text)
    return tuple(_moved(interface, what, step) for interface in interfaces)


def attribute(name: str, interface: Interface) -> str:
    """One property of an address as text. Raises `TemplateProblem`."""
    found = _ATTRIBUTES.get(name)
    if found is None:
        raise TemplateProblem(f'addresses have nothing called "{name}": use {", ".join(_ATTRIBUTES)}')
    return found(interface)


def _moved(interface: Interface, what: str, step: int) -> Interface:
    address, network = interface.address, interface.address.network
    if what == "network":
        # as in go-sockaddr, a step below zero begins behind the end of the network
        number = int(network.network_address) + step % network.num_addresses
    else:
        number = int(address.ip) + step
    if not 0 <= number < 2**address.max_prefixlen:
        raise TemplateProblem(f"{address.ip} and {step:+d} make no address")
    kind = ipaddress.IPv4Interface if address.version == 4 else ipaddress.IPv6Interface
    return Interface(interface.name, kind((number, network.prefixlen)), interface.flags, interface.is_default)


def _by_pattern(of: Callable[[Interface], str]) -> Callable[[str], Callable[[Interface], bool]]:
    def test(wanted: str) -> Callable[[Interface], bool]:
        try:
            pattern = re.compile(wanted)
        except re.error as error:
            raise TemplateProblem(f'"{wanted}" is no regular expression: {error}') from None
        return lambda interface: pattern.search(of(interface)) is not None

    return test


def _by_network(wanted: str) -> Callable[[Interface], bool]:
    return _within(tuple(wanted.split("|")))


def _by_rfc(wanted: str) -> Callable[[Interface], bool]:
    if wanted not in _RFCS:
        raise TemplateProblem(f'of the networks of RFC "{wanted}" nothing is known: use {", ".join(_RFCS)}')
    return _within(_RFCS[wanted])


def _by_size(wanted: str) -> Callable[[Interface], bool]:
    if not wanted.isdecimal() or len(wanted) > 3 or int(wanted) > 128:
        raise TemplateProblem(f'"{wanted}" is no size: write the bits of the network, such as 24')
    return lambda interface: interface.address.network.prefixlen == int(wanted)


def _by_type(wanted: str) -> Callable[[Interface], bool]:
    versions = _TYPES.get(wanted.lower())
    if versions is None:
        raise TemplateProblem(f'there is no type "{wanted}": use IP, IPv4 or IPv6')
    return lambda interface: interface.address.version in versions


def _by_flags(wanted: str) -> Callable[[Interface], bool]:
    """One of the properties of the address that are named; where none is, all of the interface's flags that are.

    That is what Consul 1.8.7 does of `forwardable|up`: the property alone counts.
    """
    names = wanted.lower().split("|")
    unknown = [name for name in names if name not in _LINK_FLAGS and name not in _PROPERTIES]
    if unknown:
        known = ", ".join((*_LINK_FLAGS, *_PROPERTIES))
        raise TemplateProblem(f'there is no flag "{unknown[0]}": use {known}')
    properties = [_PROPERTIES[name] for name in names if name in _PROPERTIES]
    if properties:
        return lambda interface: any(holds(interface) for holds in properties)
    return lambda interface: all(_has_flag(interface, name) for name in names)


def _has_flag(interface: Interface, name: str) -> bool:
    return "up" not in interface.flags if name == "down" else name in interface.flags


def _within(texts: Sequence[str]) -> Callable[[Interface], bool]:
    try:
        networks: list[Network] = [ipaddress.ip_network(text.strip(), strict=False) for text in texts]
    except ValueError:
        raise TemplateProblem(f'"{"|".join(texts)}" is no network: write one such as 10.0.0.0/8') from None
    return lambda interface: any(
        network.version == interface.address.version and interface.address.ip in network for network in networks
    )


def _ends(interface: Interface) -> tuple[int, int]:
    """The first and the last address of the network that a host may have, as numbers."""
    network = interface.address.network
    first, last = int(network.network_address), int(network.broadcast_address)
    is_plain = network.version == 6 or network.prefixlen >= 31
    return (first, last) if is_plain else (first + 1, last - 1)


def _address_text(interface: Interface, number: int) -> str:
    return str((ipaddress.IPv4Address if interface.address.version == 4 else ipaddress.IPv6Address)(number))


def _whole_text(interface: Interface) -> str:
    address = interface.address
    is_host = address.network.prefixlen == address.max_prefixlen
    return str(address.ip) if is_host else str(address)


_LINK_FLAGS: Final = ("up", "down", "broadcast", "multicast", "point-to-point")
_PROPERTIES: Final[Mapping[str, Callable[[Interface], bool]]] = {
    "forwardable": lambda interface: not _within(_NOT_FORWARDED)(interface),
    "global unicast": lambda interface: (
        not (
            interface.address.is_loopback
            or interface.address.is_multicast
            or interface.address.is_unspecified
            or interface.address.is_link_local
        )
    ),
    "interface-local multicast": lambda interface: str(interface.address.ip).startswith("ff01:"),
    "link-local multicast": lambda interface: _within(("224.0.0.0/24", "ff02::/16"))(interface),
    "link-local unicast": lambda interface: interface.address.is_link_local,
    "loopback": lambda interface: interface.address.is_loopback,
    "unspecified": lambda interface: interface.address.is_unspecified,
}
_SELECTORS: Final[Mapping[str, Callable[[str], Callable[[Interface], bool]]]] = {
    "address": _by_pattern(lambda interface: str(interface.address.ip)),
    "flag": _by_flags,
    "flags": _by_flags,
    "name": _by_pattern(lambda interface: interface.name),
    "network": _by_network,
    "rfc": _by_rfc,
    "size": _by_size,
    "type": _by_type,
}
_ORDERS: Final[Mapping[str, Callable[[Interface], int | str | bool]]] = {
    "address": lambda interface: int(interface.address.ip),
    "default": lambda interface: not interface.is_default,
    "name": lambda interface: interface.name,
    "private": lambda interface: not is_private(interface),
    "size": lambda interface: -interface.address.network.num_addresses,
    "type": lambda interface: interface.address.version,
}
_ATTRIBUTES: Final[Mapping[str, Callable[[Interface], str]]] = {
    "address": lambda interface: str(interface.address.ip),
    "binary": lambda interface: f"{int(interface.address.ip):0{interface.address.max_prefixlen}b}",
    "broadcast": lambda interface: str(interface.address.network.broadcast_address),
    "first_usable": lambda interface: _address_text(interface, _ends(interface)[0]),
    "flags": lambda interface: "|".join(interface.flags),
    "hex": lambda interface: interface.address.packed.hex(),
    "host": lambda interface: str(interface.address.ip),
    "last_usable": lambda interface: _address_text(interface, _ends(interface)[1]),
    "mask_bits": lambda interface: str(interface.address.network.prefixlen),
    "name": lambda interface: interface.name,
    "netmask": lambda interface: str(interface.address.netmask),
    "network": lambda interface: str(interface.address.network.network_address),
    "octets": lambda interface: " ".join(str(octet) for octet in interface.address.packed),
    "size": lambda interface: str(interface.address.network.num_addresses),
    "string": _whole_text,
    "type": lambda interface: f"IPv{interface.address.version}",
}


def shown(interfaces: Sequence[Interface]) -> Iterator[str]:
    """Each address with its interface, for messages."""
    return (f"{interface.name} {_whole_text(interface)}" for interface in interfaces)
