"""Asking once, by whichever kind a check is of. What only some kinds need is imported when the first of them runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lictor_agent.checks.connecting import Dialer
from lictor_agent.checks.http import HttpChecker
from lictor_agent.checks.os_service import check_os_service
from lictor_agent.checks.script import check_script
from lictor_agent.checks.status import Result
from lictor_agent.checks.tcp import check_tcp
from lictor_agent.checks.tls import CheckTls, TlsContexts
from lictor_agent.checks.udp import check_udp
from lictor_config.definitions import CheckDefinition, CheckKind

if TYPE_CHECKING:
    from lictor_agent.checks.docker import DockerChecker

__all__ = ["ASKED", "PROGRAMS", "Asker"]

PROGRAMS = frozenset({CheckKind.SCRIPT, CheckKind.DOCKER, CheckKind.OS_SERVICE})
"""Kinds that start a program for each run."""
ASKED = PROGRAMS | {CheckKind.HTTP, CheckKind.TCP, CheckKind.UDP, CheckKind.GRPC, CheckKind.H2PING}
"""Kinds that are done by asking, time and again."""


class Asker:
    """Asks whatever checks ask. `environment` is where proxies and Docker are named. `close` it when no more run."""

    def __init__(self, environment: Mapping[str, str], material: CheckTls | None = None) -> None:
        self._environment = environment
        self._dialer = Dialer()
        self._contexts = TlsContexts(material)
        self._http = HttpChecker(self._dialer, self._contexts, environment)
        self._docker: DockerChecker | None = None

    def use_tls(self, material: CheckTls | None) -> None:
        """Believe and show this from the next run on."""
        self._contexts.use(material)

    async def ask(self, definition: CheckDefinition, output_bytes_max: int) -> Result:
        """Run the check of `definition`, one of a kind in `ASKED`, once. It takes no longer than its time-out."""
        match definition.kind:
            case CheckKind.HTTP:
                return await self._http.check(definition, output_bytes_max)
            case CheckKind.TCP:
                return await check_tcp(definition, self._dialer)
            case CheckKind.UDP:
                return await check_udp(definition, self._dialer)
            case CheckKind.GRPC:
                from lictor_agent.checks.grpc import check_grpc

                return await check_grpc(definition, self._dialer, self._contexts)
            case CheckKind.H2PING:
                from lictor_agent.checks.h2ping import check_h2ping

                return await check_h2ping(definition, self._dialer, self._contexts)
            case CheckKind.OS_SERVICE:
                return await check_os_service(definition)
            case CheckKind.DOCKER:
                return await self._opened_docker().check(definition, output_bytes_max)
            case kind:
                assert kind is CheckKind.SCRIPT, f"{kind} checks are not done by asking"
                return await check_script(definition, output_bytes_max)

    async def close(self) -> None:
        """Close what is left of connections."""
        if self._docker is not None:
            await self._docker.close()

    def _opened_docker(self) -> DockerChecker:
        from lictor_agent.checks.docker import DockerChecker

        if self._docker is None:
            self._docker = DockerChecker(self._environment)
        return self._docker
