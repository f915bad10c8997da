"""Checks that are asked through the proxy of their service, where that exposes checks (`proxy.expose.checks`).

An application that only its proxy can reach is not there for the agent. The proxy opens a port for each path that a
check asks for, and the agent asks there: HTTP and gRPC without TLS, as in Consul. Ports are those from
`ports.expose_min_port` to `expose_max_port`; a check keeps the one that it has. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lictor_agent.local import Change, LocalState, Subject
from lictor_config.definitions import CheckDefinition, CheckKind
from lictor_core.addresses import join_host_port, split_host_port
from lictor_core.errors import RequestError
from lictor_core.records import ExposePath, Service, ServiceKind

__all__ = ["ExposedChecks"]

_GRPC_PATH: Final = "/grpc.health.v1.Health/Check"
_LOOPBACK: Final = "127.0.0.1"
_HTTP_PORT: Final = 80


class _Exposed(NamedTuple):
    """A check that goes through a proxy: whose, where that is, and the path it opens."""

    proxy_id: str
    address: str
    path: ExposePath
    definition: CheckDefinition


class _Candidate(NamedTuple):
    """A check that may become that, and what it asks for."""

    check_id: str
    definition: CheckDefinition
    proxy: Service
    path: str
    port: int


class ExposedChecks:
    """What goes through the proxies of one `LocalState`."""

    def __init__(self, local: LocalState, ports: range) -> None:
        self._local = local
        self._ports = ports
        self._exposed: dict[str, _Exposed] = {}
        self._services: set[str] = set()
        """The services whose checks are exposed."""
        self._is_stale = True
        local.subscribe(self._changed)

    def paths_of(self, proxy_id: str) -> list[ExposePath]:
        """The paths that a proxy has to open for checks, by their ports."""
        found = [one.path for one in self._current().values() if one.proxy_id == proxy_id]
        return sorted(found, key=lambda path: path.listener_port)

    def through(self, check_id: str, definition: CheckDefinition) -> CheckDefinition:
        """The definition with where the check is to be asked; the very same one where no proxy stands in between."""
        exposed = self._current().get(check_id)
        if exposed is None:
            return definition
        address = join_host_port(exposed.address, exposed.path.listener_port)
        if definition.kind is CheckKind.GRPC:
            _, slash, service = definition.grpc.partition("/")
            return replace(definition, grpc=address + slash + service)
        return replace(definition, http=urlsplit(definition.http)._replace(netloc=address).geturl())

    def _changed(self, change: Change) -> None:
        if change.subject is Subject.SERVICE:
            self._is_stale = True
            return
        # Most changes are those of a status, which says nothing of where checks go.
        check, exposed = self._local.checks.get(change.id), self._exposed.get(change.id)
        if check is None:
            self._is_stale = self._is_stale or exposed is not None
        elif check.check.service_id in self._services:
            self._is_stale = self._is_stale or exposed is None or check.definition is not exposed.definition

    def _current(self) -> dict[str, _Exposed]:
        if self._is_stale:
            self._exposed = self._looked_up()
            self._is_stale = False
        return self._exposed

    def _looked_up(self) -> dict[str, _Exposed]:
        services = [one.service for one in self._local.services.values()]
        proxies = [one for one in services if one.kind is ServiceKind.CONNECT_PROXY and one.proxy.expose.checks]
        self._services = {one.proxy.destination_service_id for one in proxies} - {""}
        candidates = {one.check_id: one for one in sorted(self._candidates(proxies), key=lambda one: one.check_id)}
        kept = {check_id: one.path.listener_port for check_id, one in self._exposed.items() if check_id in candidates}
        taken = {one.port for one in services} | set(kept.values())
        taken |= {path.listener_port for one in services for path in one.proxy.expose.paths}
        found: dict[str, _Exposed] = {}
        for check_id, one in candidates.items():
            port = kept.get(check_id) or next((port for port in self._ports if port not in taken), None)
            if port is None:
                continue  # asked straight: that ports have run out is no reason to lose the check
            taken.add(port)
            opened = ExposePath(
                listener_port=port,
                path=one.path,
                local_path_port=one.port,
                protocol="http2" if one.definition.kind is CheckKind.GRPC else "http",
                parsed_from_check=True,
            )
            found[check_id] = _Exposed(one.proxy.id, one.proxy.address or _LOOPBACK, opened, one.definition)
        return found

    def _candidates(self, proxies: Iterable[Service]) -> Iterator[_Candidate]:
        for proxy in proxies:
            for check in self._local.checks_of(proxy.proxy.destination_service_id):
                asked = None if check.definition is None else _asked_for(check.definition)
                if asked is not None and check.definition is not None:
                    yield _Candidate(check.check.check_id, check.definition, proxy, *asked)


def _asked_for(definition: CheckDefinition) -> tuple[str, int] | None:
    """The path and the port that a check asks for; None for one that no proxy can stand before."""
    try:
        if definition.kind is CheckKind.GRPC and not definition.grpc_use_tls:
            return _GRPC_PATH, split_host_port(definition.grpc.partition("/")[0], 0)[1]
        if definition.kind is CheckKind.HTTP:
            url = urlsplit(definition.http)
            return (url.path or "/", url.port or _HTTP_PORT) if url.scheme == "http" else None
    except (ValueError, RequestError):
        return None  # it fails by itself, with words of its own
    return None
