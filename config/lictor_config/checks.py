"""Check definitions: how the health of a node or an instance is watched, from HTTP bodies and from files alike.

Source: Consul's documents `docs/discovery/checks` and `api-docs/agent/check`; the rules and their short texts are those
that Consul 1.8.7 answers with, since clients match on them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from lictor_config.reading import Dialect, ProblemGroup, Reader
from lictor_core.records import CRITICAL, PASSING, WARNING

__all__ = ["CheckDefinition", "CheckKind", "note_flaws", "read_check", "read_checks"]

_STATUSES: Final = ("", PASSING, WARNING, CRITICAL)


class CheckKind(enum.StrEnum):
    """How a check is done; the values are Consul's `Type` of a check, of versions later than 1.8 too."""

    GRPC = "grpc"
    HTTP = "http"
    TTL = "ttl"
    TCP = "tcp"
    UDP = "udp"
    ALIAS = "alias"
    DOCKER = "docker"
    SCRIPT = "script"
    H2PING = "h2ping"
    OS_SERVICE = "os_service"


@dataclass(frozen=True, kw_only=True)
class CheckDefinition:
    """One check as somebody defined it. Durations are seconds, 0 where none was given.

    `check_id`, `name` and `service_id` may be empty: the agent derives them. `output_max_size` 0 is the agent's own
    bound. `status` is the initial one, empty for critical. `failures_before_warning` 0: no warning before critical.
    """

    check_id: str = ""
    name: str = ""
    notes: str = ""
    service_id: str = ""
    token: str = ""
    status: str = ""
    args: tuple[str, ...] = ()
    http: str = ""
    header: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    method: str = ""
    body: str = ""
    disable_redirects: bool = False
    tcp: str = ""
    udp: str = ""
    grpc: str = ""
    grpc_use_tls: bool = False
    h2ping: str = ""
    h2ping_use_tls: bool = True
    tls_server_name: str = ""
    tls_skip_verify: bool = False
    os_service: str = ""
    docker_container_id: str = ""
    shell: str = ""
    alias_node: str = ""
    alias_service: str = ""
    interval_s: float = 0.0
    timeout_s: float = 0.0
    ttl_s: float = 0.0
    success_before_passing: int = 0
    failures_before_warning: int = 0
    failures_before_critical: int = 0
    deregister_critical_service_after_s: float = 0.0
    output_max_size: int = 0

    @property
    def kind(self) -> CheckKind:
        """How it is done. Where several ways are given the first of `CheckKind`'s order holds, as in Consul."""
        if self.grpc:
            return CheckKind.GRPC
        if self.http:
            return CheckKind.HTTP
        if self.ttl_s > 0:
            return CheckKind.TTL
        if self.tcp:
            return CheckKind.TCP
        if self.udp:
            return CheckKind.UDP
        if self.alias_node or self.alias_service:
            return CheckKind.ALIAS
        if self.docker_container_id:
            return CheckKind.DOCKER
        if not self.args and self.h2ping:
            return CheckKind.H2PING
        return CheckKind.OS_SERVICE if not self.args and self.os_service else CheckKind.SCRIPT

    @property
    def runs_command(self) -> bool:
        """Whether it executes something on this host, which an operator must have allowed."""
        return bool(self.args)

    def flaws(self) -> list[str]:
        """What forbids this check; empty when it is sound."""
        flaws: list[str] = []
        is_alias = bool(self.alias_node or self.alias_service)
        asks = (self.args, self.http, self.tcp, self.udp, self.grpc, self.h2ping, self.os_service)
        is_periodic = any(asks)
        if self.interval_s > 0 and self.ttl_s > 0:
            flaws.append("Interval and TTL cannot both be specified")
        elif is_periodic and self.interval_s <= 0:
            flaws.append("Interval must be > 0 for Script, HTTP, or TCP checks")
        elif is_alias and self.ttl_s > 0:
            flaws.append("TTL must be not be set for Alias checks")
        elif not is_periodic and not is_alias and self.ttl_s <= 0:
            flaws.append("TTL must be > 0 for TTL checks")
        if self.output_max_size < 0:
            flaws.append("MaxOutputMaxSize must be positive")
        if self.failures_before_warning > max(self.failures_before_critical, 1):
            flaws.append("FailuresBeforeWarning can't be higher than FailuresBeforeCritical")
        return flaws


_EMPTY: Final = CheckDefinition()


def read_check(reader: Reader, *, nested: bool) -> CheckDefinition:
    """The check in a mapping, problems noted in the reader. `nested` is one inside a service definition."""
    check = CheckDefinition(
        check_id=_read_id(reader, nested=nested),
        name=reader.text("name"),
        notes=reader.text("notes"),
        service_id=reader.text("service_id"),
        token=reader.text("token"),
        status=reader.text("status"),
        args=reader.texts("args") or reader.texts("script_args"),
        http=reader.text("http"),
        header=reader.texts_map("header"),
        method=reader.text("method"),
        body=reader.text("body"),
        disable_redirects=reader.boolean("disable_redirects"),
        tcp=reader.text("tcp"),
        udp=reader.text("udp"),
        grpc=reader.text("grpc"),
        grpc_use_tls=reader.boolean("grpc_use_tls"),
        h2ping=reader.text("h2ping"),
        h2ping_use_tls=reader.boolean("h2ping_use_tls", True),
        tls_server_name=reader.text("tls_server_name"),
        tls_skip_verify=reader.boolean("tls_skip_verify"),
        os_service=reader.text("os_service"),
        docker_container_id=reader.text("docker_container_id"),
        shell=reader.text("shell"),
        alias_node=reader.text("alias_node"),
        alias_service=reader.text("alias_service"),
        interval_s=reader.duration("interval"),
        timeout_s=reader.duration("timeout"),
        ttl_s=reader.duration("ttl"),
        success_before_passing=reader.integer("success_before_passing"),
        failures_before_warning=reader.integer("failures_before_warning"),
        failures_before_critical=reader.integer("failures_before_critical"),
        deregister_critical_service_after_s=reader.duration("deregister_critical_service_after"),
        output_max_size=reader.integer("output_max_size"),
    )
    reader.texts("script_args")
    reader.done()
    return check


def note_flaws(reader: Reader, check: CheckDefinition, *, nested: bool, prefix: str = "Invalid check: ") -> None:
    """Note what the rules forbid in `check`, which was read from `reader`."""
    has_name = bool(check.name or (reader.dialect is Dialect.FILE and check.check_id))
    if not nested and not has_name:
        reader.note("name", "Missing check name", ProblemGroup.VALUE)
    if check.status not in _STATUSES:
        message = "Status for checks must 'passing', 'warning', 'critical'" if nested else "Bad check status"
        reader.note("status", message, ProblemGroup.VALUE)
    if check == _EMPTY and not nested:
        return  # nothing but the missing name is worth saying
    for flaw in check.flaws():
        reader.note("", prefix + flaw, ProblemGroup.VALUE)


def read_checks(reader: Reader, prefix: str = "Invalid check: ") -> tuple[CheckDefinition, ...]:
    """The checks of a service: the one under `check` unless it is empty, then those under `checks`.

    Those without an id are told apart by their place in this order, as in Consul.
    """
    found: list[CheckDefinition] = []
    single = reader.child("check")
    if single is not None:
        check = read_check(single, nested=True)
        if check != _EMPTY:  # Consul takes an empty `Check` for none
            found.append(check)
            note_flaws(single, check, nested=True, prefix=prefix)
    for child in reader.children("checks"):
        found.append(read_check(child, nested=True))
        note_flaws(child, found[-1], nested=True, prefix=prefix)
    return tuple(found)


def _read_id(reader: Reader, *, nested: bool) -> str:
    if reader.dialect is Dialect.FILE:
        return reader.text("id") or reader.text("check_id")
    return reader.text("check_id") if nested else reader.text("id")
