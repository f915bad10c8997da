"""Which addresses an agent binds to and which one it advertises.

Source: Consul's document `docs/agent/options`, flags `-bind`, `-advertise`, `-client`. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from lictor_config.interfaces import Interface
from lictor_config.reading import Path
from lictor_config.selections import shown
from lictor_config.templates import TemplateProblem, expand, is_template
from lictor_config.tree import Addresses, Configuration
from lictor_core.errors import ConfigurationError

__all__ = ["address_flaw", "advertised_flaw", "expand_addresses", "resolve_addresses", "resolve_advertise"]

_ANY: Final = ("0.0.0.0", "::", "[::]")
_TEMPLATED: Final = frozenset(
    {
        "addresses", "advertise_addr", "advertise_addr_ipv4", "advertise_addr_ipv6", "advertise_addr_wan",
        "advertise_addr_wan_ipv4", "advertise_addr_wan_ipv6", "bind_addr", "client_addr", "recursors", "retry_join",
        "serf_lan", "serf_wan", "start_join",
    }
)  # fmt: skip
"""Keys that may hold templates."""
_PATH_MAX: Final = 107  # unix(7): sun_path holds 108 bytes, the last one is zero


def address_flaw(address: str, *, unix_allowed: bool = False) -> str | None:
    """Why nothing can listen at `address`; None when something can."""
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        if not unix_allowed:
            return "cannot be a unix socket"
        return None if 0 < len(path.encode()) <= _PATH_MAX else f"needs a path of at most {_PATH_MAX} bytes"
    try:
        ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return "is no IP address"
    return None


def advertised_flaw(address: str, version: int | None = None) -> str | None:
    """Why `address` cannot be told to others as one of this version of IP, or of any; None when it can."""
    if address in _ANY:
        return f"cannot be {address}; name an address that others can reach"
    if (flaw := address_flaw(address)) is not None:
        return f"{address!r} {flaw}"
    if version is not None and ipaddress.ip_address(address.strip("[]")).version != version:
        return f"{address!r} is no IPv{version} address"
    return None


def resolve_addresses(configuration: Configuration) -> Addresses:
    """Where each listener binds: its own addresses, else those of `client_addr`, without the brackets of IPv6."""
    own, common = configuration.addresses, configuration.client_addr
    tcp = tuple(address for address in common if not address.startswith("unix://"))
    return Addresses(
        dns=_bare(own.dns or tcp),
        http=_bare(own.http or common),
        https=_bare(own.https or common),
        grpc=_bare(own.grpc or common),
    )


def resolve_advertise(bind_address: str, interfaces: Callable[[], Sequence[Interface]]) -> str:
    """The address to advertise when none is given: what is bound, or the one address of this machine that suits.

    Where all is bound that is its private IPv4 address; where all of IPv6 is, its public IPv6 address comes first.
    Raises `ConfigurationError` when everything is bound and there is not exactly one to choose.
    """
    if bind_address not in _ANY:
        return bind_address.strip("[]")
    everything = interfaces()
    kind = "private IPv4" if bind_address == _ANY[0] else "public IPv6 or private IPv4"
    public = [] if bind_address == _ANY[0] else [one for one in everything if _is_public_v6(one)]
    suitable = public or [one for one in everything if _is_private_v4(one)]
    found = list(dict.fromkeys(str(one.address.ip) for one in suitable))
    match found:
        case [address]:
            return address
        case []:
            raise ConfigurationError(
                f"bind_addr: no {kind} address found on this machine; name the address to bind with -bind, "
                "or the one to advertise with -advertise"
            )
        case _:
            raise ConfigurationError(
                f"bind_addr: several {kind} addresses found ({', '.join(found)}); choose one with -bind or -advertise"
            )


def expand_addresses(
    given: Mapping[str, object], interfaces: Callable[[], Sequence[Interface]]
) -> tuple[dict[str, object], list[tuple[Path, str]]]:
    """A configuration whose templates of addresses are written out, and what is wrong with them, by their paths.

    A template may make several addresses, with spaces between them. What has no templates is handed back as it is.
    """
    everything: list[Interface] = []
    flaws: list[tuple[Path, str]] = []

    def written_out(value: object, path: Path) -> object:
        if isinstance(value, Mapping):
            named = cast("Mapping[str, object]", value)
            return {key: written_out(one, (*path, key)) for key, one in named.items()}
        if isinstance(value, list):
            return [text for one in cast("list[object]", value) for text in _words(written_out(one, path))]
        if not isinstance(value, str) or not is_template(value):
            return value
        everything.extend(interfaces() if not everything else ())
        return expanded(value, path)

    def expanded(text: str, path: Path) -> str:
        try:
            found = " ".join(expand(text, everything).split())
        except TemplateProblem as error:
            flaws.append((path, f"the template {text!r}: {error}"))
            return text
        if not found:
            here = ", ".join(shown(everything)) or "none"
            flaws.append((path, f"the template {text!r} gives no address; the addresses here are {here}"))
            return text
        return found

    return {key: written_out(one, (key,)) if key in _TEMPLATED else one for key, one in given.items()}, flaws


def _words(value: object) -> list[object]:
    return list(value.split()) if isinstance(value, str) else [value]


def _is_private_v4(interface: Interface) -> bool:
    ip = interface.address.ip
    return ip.version == 4 and ip.is_private and not ip.is_loopback and not ip.is_link_local


def _is_public_v6(interface: Interface) -> bool:
    ip = interface.address.ip
    return ip.version == 6 and ip.is_global


def _bare(addresses: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        address if address.startswith("unix://") else address.strip("[]") for address in dict.fromkeys(addresses)
    )
