"""`lictor connect`: the built-in proxy, the certificate authority, and services behind ingress gateways."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.commands.connect_ca import authority
from lictor.cli.commands.connect_envoy import envoy
from lictor.cli.commands.connect_proxies import proxies
from lictor.cli.commands.expose import expose
from lictor.cli.descriptors import allow_all_descriptors
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from lictor_config.sections import Telemetry
    from lictor_connect_proxy import ProxyOptions

__all__ = ["command"]

_PROXY_ID: Final = "CONNECT_PROXY_ID"
_SIDECAR_FOR: Final = "CONNECT_SIDECAR_FOR"
"""Consul's: which proxy to be where no flag says it."""

command = GoGroup(
    "connect",
    help="Run a proxy of the mesh, open it to the outside, and look after its certificate authority.",
    examples=(
        ("lictor connect proxy -sidecar-for=web", "the proxy registered beside web"),
        ("lictor connect proxy -service=me -upstream=db:9191", "reach db as the service me"),
        ("lictor connect envoy -sidecar-for=web", "Envoy in its place"),
        ("lictor connect expose -service=web -ingress-gateway=edge -port=80", "web from outside"),
        ("lictor connect ca status", "who signs certificates, and until when"),
    ),
)

command.add_command(authority)
command.add_command(envoy)
command.add_command(expose)
command.add_command(proxies)


@command.command(
    "proxy",
    cls=ApiCommand,
    examples=(
        "lictor connect proxy -sidecar-for=web",
        "lictor connect proxy -service=web -service-addr=127.0.0.1:8080 -listen=:8443",
        "lictor connect proxy -service=me -upstream=db:9191",
    ),
)
@option(
    "-admin-bind",
    "Address of the loopback where figures (/metrics), /ready and /live are shown, host:port; nowhere without it.",
    metavar="address",
)
@option("-dogstatsd-addr", "Where DogStatsD takes figures, host:port.", metavar="address")
@option(
    "-listen", "Address for connections from the mesh, host:port; needs -service and -service-addr.", metavar="address"
)
@flag("-log-json", "Write log events as JSON, one a line.")
@option("-log-level", "trace, debug, info, warn or err.", metavar="level", default="info")
@option("-pprof-addr", "Taken for Consul's sake, without effect.", metavar="address")
@option("-proxy-id", "Id of the proxy's registration with the agent; else CONNECT_PROXY_ID.", metavar="id")
@flag("-register", "Register the proxy with the agent; needs -listen.")
@option(
    "-register-id",
    "What tells the registration from that of other proxies of the service; needs -register.",
    metavar="text",
)
@option("-service", "Name of the service that the proxy stands for.", metavar="name")
@option("-service-addr", "Address of the service itself, host:port; needs -listen.", metavar="address")
@option("-sidecar-for", "Id of the instance whose registered sidecar this is; else CONNECT_SIDECAR_FOR.", metavar="id")
@option("-statsd-address", "Where statsd takes figures, host:port.", metavar="address")
@option("-upstream", "Service to make reachable, name:port or name:address:port; may be repeated.",
        metavar="name:port", multiple=True)  # fmt: skip
@pass_api
def proxy(
    api: Api,
    args: tuple[str, ...],
    admin_bind: str,
    dogstatsd_addr: str,
    listen: str,
    log_json: bool,
    log_level: str,
    pprof_addr: str,
    proxy_id: str,
    register: bool,
    register_id: str,
    service: str,
    service_addr: str,
    sidecar_for: str,
    statsd_address: str,
    upstream: tuple[str, ...],
) -> None:
    """Run the built-in proxy in the foreground: it proves who its service is, checks who connects, and reaches other
    services. It takes its settings from its registration (-sidecar-for, -proxy-id), or from flags (-service with
    -listen and -service-addr for connections from the mesh, with -upstream for connections into it). The token needs
    service:write for the service.
    """
    from lictor.api.tls import tls_context
    from lictor_agent.log import make_log
    from lictor_config.sections import Telemetry
    from lictor_connect_proxy import AgentAddress, ProxyOptions

    if args:
        raise CommandError(f"unexpected arguments: {' '.join(args)}; flags begin with a dash")
    if not (proxy_id or sidecar_for or service):
        proxy_id, sidecar_for = os.environ.get(_PROXY_ID, ""), os.environ.get(_SIDECAR_FOR, "")
    settings = api.settings()
    options = ProxyOptions(
        sidecar_for=sidecar_for,
        proxy_id=proxy_id,
        service=service,
        service_addr=service_addr,
        listen=listen,
        upstreams=upstream,
        register=register,
        register_id=register_id,
        admin_bind=admin_bind,
        agent=AgentAddress(
            http_addr=str(settings.endpoint),
            token=settings.token,
            datacenter=api.datacenter,
            stale=api.stale,
            tls=tls_context(settings) if settings.endpoint.tls else None,
            tls_server_name=settings.tls_server_name,
        ),
    )
    log = make_log(log_level, as_json=log_json, node=sidecar_for or proxy_id or service)
    options.check()
    telemetry = Telemetry(statsd_address=statsd_address, dogstatsd_addr=dogstatsd_addr, metrics_prefix="lictor")
    raise SystemExit(_run_proxy(options, telemetry, log))


def _run_proxy(options: ProxyOptions, telemetry: Telemetry, log: FilteringBoundLogger) -> int:
    import asyncio
    import functools
    import socket

    from lictor_connect_proxy import run
    from lictor_core.clock import SystemClock, SystemRng
    from lictor_core.event_loop import new_event_loop

    sending = None
    if telemetry.statsd_address or telemetry.dogstatsd_addr:
        from lictor_agent.telemetry.sending import sending as send

        sending = functools.partial(send, lambda: telemetry, host=socket.gethostname(), clock=SystemClock(), log=log)
    allow_all_descriptors()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(run(options, SystemClock(), SystemRng(), log, sending))
