"""What pages of other sites may have a browser ask of the agent: nothing that changes anything, unless allowed. Pure.

A browser lets a page send a POST anywhere, and says from where in `Origin` (RFC 6454). What has a header of its own,
such as `X-Consul-Token`, or another method, it sends to another site only after that allowed it, which no answer here
does unless `http_config.response_headers` says so. Consul looks at none of this. A page whose name was made to lead
here (DNS rebinding) is of the same site for the browser: against that help `allowed_hosts`, and tokens.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["Origins"]

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_HEADERS: Final = ("X-Consul-Token", "Authorization")
"""What a page cannot have sent to another site that did not allow it."""
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_LOCALHOST: Final = "localhost"


class Origins:
    """Which sites may ask what. `allowed` are origins whose pages may change things, `*` for all."""

    def __init__(self, *, allowed: Sequence[str] = (), takes_writes: bool = False, hosts: Sequence[str] = ()) -> None:
        """With `takes_writes` pages of all sites may change things; `hosts` are the names that this agent is asked by,
        all when empty."""
        self._takes_writes = takes_writes or "*" in allowed
        self._allowed = frozenset(one.rstrip("/").lower() for one in allowed)
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    def refusal(self, method: str, headers: Mapping[str, str], client: str) -> str | None:
        """Why this request is not answered; None when it is. `client` is an address, empty on a Unix socket."""
        if self._hosts and client and (host := headers.get("Host")) and not self._is_asked_by(host):
            return f"this agent is not asked by the name {host[:100]!r}: see http_config.allowed_hosts"
        if method in _READING or self._takes_writes:
            return None
        origin = headers.get("Origin")
        if origin is None or any(headers.get(name) is not None for name in _OWN_HEADERS):
            return None
        if origin.lower() in self._allowed or _is_same_site(origin, headers):
            return None
        return (
            f"a page of another site ({origin[:100]}) may change nothing here: send X-Consul-Token, name the site in "
            "Access-Control-Allow-Origin of http_config.response_headers, or set http_config.allow_cross_site_writes"
        )

    def _is_asked_by(self, host: str) -> bool:
        name = _name(host)
        return name == _LOCALHOST or name in self._hosts or _is_ip(name)


def _is_same_site(origin: str, headers: Mapping[str, str]) -> bool:
    """Whether the page came from where the request goes; a proxy between may say where that was."""
    scheme, separator, authority = origin.lower().partition("://")
    if not separator:
        return False  # "null", of a page without a site
    port = _DEFAULT_PORTS.get(scheme, "")
    wanted = authority.removesuffix(port)
    asked = (headers.get("Host"), headers.get("X-Forwarded-Host"))
    return any(one is not None and one.lower().removesuffix(port) == wanted for one in asked)


def _name(host: str) -> str:
    """The host without its port, in small letters."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
