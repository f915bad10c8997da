"""What the command line says, checked: which proxy to be, where its agent is. The flags are Consul's.

Source: Consul's document `commands/connect/proxy`.
"""

from __future__ import annotations

import ipaddress

import msgspec

from lictor_connect_proxy.feed.agent import AgentAddress
from lictor_connect_proxy.snapshot import PublicListener, UpstreamListener
from lictor_core.addresses import join_host_port, split_host_port
from lictor_core.errors import ConfigurationError, RequestError
from lictor_core.limits import PORT_MAX

__all__ = ["ProxyOptions", "admin_address", "public_listener", "upstream_listeners"]


class ProxyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `connect proxy`, as written.

    Exactly one of `sidecar_for` (id of a service instance), `proxy_id` (id of a registered proxy) and `service` (a
    name, with the flags that follow) says which proxy to be. `upstreams` are `name:port` or `name:host:port`;
    `listen` and `service_addr` are `[host]:port`. `admin_bind` is where figures and readiness are shown, on the
    loopback; empty shows them nowhere.
    """

    sidecar_for: str = ""
    proxy_id: str = ""
    service: str = ""
    service_addr: str = ""
    listen: str = ""
    upstreams: tuple[str, ...] = ()
    register: bool = False
    register_id: str = ""
    admin_bind: str = ""
    agent: AgentAddress = AgentAddress()

    def check(self) -> None:
        """Raise `ConfigurationError` when the flags do not go together, naming the one to add or to leave out."""
        named = [flag for flag, value in self._identities() if value]
        if not named:
            raise ConfigurationError("nothing says which proxy to be: give -sidecar-for, -proxy-id or -service")
        if len(named) > 1:
            raise ConfigurationError(f"{' and '.join(named)} each name a proxy: give one of them")
        if not self.service and (self.listen or self.upstreams or self.service_addr or self.register):
            raise ConfigurationError(
                f"-listen, -service-addr, -upstream and -register go with -service; with {named[0]} the registration "
                "says it all"
            )
        if self.listen and not self.service_addr:
            raise ConfigurationError("-listen needs -service-addr, the address of the application behind it")
        if self.service_addr and not self.listen:
            raise ConfigurationError("-service-addr needs -listen, the address where the mesh reaches the application")
        if self.register and not self.listen:
            raise ConfigurationError("-register needs -listen: a proxy that nobody can reach has nothing to register")
        if self.register_id and not self.register:
            raise ConfigurationError("-register-id needs -register: it is a part of the registration's id")
        if self.service and not self.listen and not self.upstreams:
            raise ConfigurationError(
                "there is nothing to serve: give -listen with -service-addr for connections from the mesh, -upstream "
                "for connections into it, or both"
            )
        self._check_addresses()
        if self.admin_bind:
            admin_address(self.admin_bind)

    def _check_addresses(self) -> None:
        public = public_listener(self)
        taken = {} if public is None else {(public.bind_address, public.bind_port): "-listen"}
        for upstream in upstream_listeners(self):
            flag = f"-upstream {upstream.service}"
            other = taken.setdefault((upstream.bind_address, upstream.bind_port), flag)
            if other is not flag:
                address = join_host_port(upstream.bind_address, upstream.bind_port)
                raise ConfigurationError(f"{other} and {flag} both listen on {address}: give each its own port")

    def _identities(self) -> tuple[tuple[str, str], ...]:
        return ("-sidecar-for", self.sidecar_for), ("-proxy-id", self.proxy_id), ("-service", self.service)


def public_listener(options: ProxyOptions) -> PublicListener | None:
    """The listener of `-listen`; None without it. An empty host means all addresses."""
    if not options.listen:
        return None
    host, port = _address(options.listen, "-listen")
    application_host, application_port = _address(options.service_addr, "-service-addr")
    return PublicListener(
        bind_address=host or "0.0.0.0",
        bind_port=port,
        application_host=application_host or "127.0.0.1",
        application_port=application_port,
    )


def upstream_listeners(options: ProxyOptions) -> tuple[UpstreamListener, ...]:
    """The listeners of all `-upstream` flags. An empty host means 127.0.0.1."""
    listeners: list[UpstreamListener] = []
    for text in options.upstreams:
        name, separator, address = text.partition(":")
        if not name or not separator:
            raise ConfigurationError(f"-upstream {text!r} is not name:address, such as db:8181")
        host, port = _address(address if ":" in address else f":{address}", f"-upstream {name}")
        listeners.append(UpstreamListener(service=name, bind_address=host or "127.0.0.1", bind_port=port))
    return tuple(listeners)


def _address(text: str, flag: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdecimal() or not 0 < int(port) <= PORT_MAX:
        raise ConfigurationError(f"{flag}: {text!r} is not [host]:port with a port from 1 to {PORT_MAX}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def admin_address(text: str) -> tuple[str, int]:
    """`host:port` with a host of the loopback. Raises `ConfigurationError` for others: there is no password here."""
    try:
        host, port = split_host_port(text, 0)
    except RequestError as error:
        raise ConfigurationError(f"-admin-bind: {error}") from error
    host = "127.0.0.1" if host in ("", "localhost") else host
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback or not port:
        raise ConfigurationError(
            f"-admin-bind {text!r} is no address of the loopback with a port, such as 127.0.0.1:19000: whoever reaches "
            "it learns everything about the proxy, without a password"
        )
    return host, port
