"""`lictor connect envoy`: Envoy as the proxy of an instance, or as a gateway.

Source: Consul's document `commands/connect/envoy`. Differences from Consul 1.8.7: what it starts is configured by delta
xDS (API v3), at the agent's Unix socket where this user may reach it; what is told besides the configuration goes to
stderr, so that `-bootstrap > file` is JSON in any case.
"""

from __future__ import annotations

import json
import os
import sys

import click

from lictor.api.calls import agent
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.descriptors import allow_all_descriptors
from lictor.cli.envoy_start import admin_address, door_of, proxy_of
from lictor.cli.errors import CommandError
from lictor.cli.flags import flag, option
from lictor.cli.gateways import GATEWAYS, GatewayOptions, gateway_definition
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["envoy"]

_PROXY_ID = "CONNECT_PROXY_ID"
_SIDECAR_FOR = "CONNECT_SIDECAR_FOR"


@click.command(
    "envoy",
    cls=ApiCommand,
    usage="[-- arguments of envoy]",
    examples=(
        "lictor connect envoy -sidecar-for=web",
        "lictor connect envoy -sidecar-for=db -admin-bind=localhost:19001 -- -l debug",
        "lictor connect envoy -sidecar-for=web -bootstrap > bootstrap.json",
        "lictor connect envoy -gateway=ingress -register -service=edge -address=10.0.0.7:8443",
    ),
)
@option("-address", "Address of the gateway within the datacenter, ip:port; with -register.", metavar="address")
@option("-admin-access-log-path", "File for the log of the admin API.", metavar="file", default="/dev/null")
@option("-admin-bind", "Where Envoy's admin API listens, host:port: for this machine alone, it can do anything.",
        metavar="address", default="localhost:19000")  # fmt: skip
@option("-bind-address", "Where a gateway listens, name=ip:port, in place of its own address; may be repeated.",
        metavar="name=address", multiple=True)  # fmt: skip
@flag("-bootstrap", "Print the configuration that Envoy would be started with (it holds the token), and end.")
@option("-deregister-after-critical", "How long a gateway's check may fail before it is deregistered.",
        metavar="time", default="6h")  # fmt: skip
@option("-drain", "How long connections may go on after SIGTERM; 0s ends them at once.", metavar="time", default="0s")
@option("-envoy-binary", "Envoy itself; else ENVOY_PATH, else that of lictor[envoy], else envoy on the PATH.",
        metavar="file")  # fmt: skip
@option("-envoy-version", "Version of that Envoy, told in its configuration; else it is asked.", metavar="version")
@flag("-expose-servers", "Let servers of other datacenters through this mesh gateway.")
@option("-gateway", "Be a gateway: mesh, terminating or ingress.", metavar="kind")
@option("-grpc-addr", "Where the agent serves Envoys, host:port, https://host:port, unix:///path; else the agent says.",
        metavar="address")  # fmt: skip
@flag("-mesh-gateway", "The same as -gateway=mesh.")
@flag("-no-central-config", "Ask the agent nothing about the proxy's own configuration.")
@option("-proxy-id", "Id of the proxy's registration with the agent; else CONNECT_PROXY_ID.", metavar="id")
@flag("-register", "Register the gateway with the agent first.")
@option("-service", "Name of the gateway's service; with -register.", metavar="name")
@option("-sidecar-for", "Id of the instance whose registered sidecar this is; else CONNECT_SIDECAR_FOR.", metavar="id")
@option("-wan-address", "Address of the gateway for other datacenters, ip:port; with -register.", metavar="address")
@pass_api
def envoy(
    api: Api,
    args: tuple[str, ...],
    address: str,
    admin_access_log_path: str,
    admin_bind: str,
    bind_address: tuple[str, ...],
    bootstrap: bool,
    deregister_after_critical: str,
    drain: str,
    envoy_binary: str,
    envoy_version: str,
    expose_servers: bool,
    gateway: str,
    grpc_addr: str,
    mesh_gateway: bool,
    no_central_config: bool,
    proxy_id: str,
    register: bool,
    service: str,
    sidecar_for: str,
    wan_address: str,
) -> None:
    """Run Envoy as the proxy of an instance, or as a gateway. It gets its configuration from the agent, and goes on
    with the last when the agent is away. The token needs service:write for the service. What stands behind -- is for
    Envoy.
    """
    from lictor_connect_proxy.xds.bootstrap import BootstrapOptions
    from lictor_connect_proxy.xds.bootstrap import bootstrap as made_of
    from lictor_connect_proxy.xds.revoking import drain_arguments
    from lictor_connect_proxy.xds.runner import find_envoy, version_of

    kind = "mesh" if mesh_gateway else gateway
    if not (kind or proxy_id or sidecar_for):
        proxy_id, sidecar_for = os.environ.get(_PROXY_ID, ""), os.environ.get(_SIDECAR_FOR, "")
    wishes = GatewayOptions(
        kind=kind,
        proxy_id=proxy_id,
        service=service,
        address=address,
        wan_address=wan_address,
        bind_addresses=bind_address,
        deregister_after_critical=deregister_after_critical,
        expose_servers=expose_servers,
    )
    _check(wishes, register=register, sidecar_for=sidecar_for)
    drain_s = _seconds("-drain", drain)
    host, port = admin_address(admin_bind)
    program = "" if bootstrap else find_envoy(envoy_binary, os.environ)
    version = envoy_version or (".".join(map(str, version_of(program))) if program else "")
    if register:
        proxy_id = _register(api, wishes)
    found = proxy_of(api, proxy_id, sidecar_for, kind, asks=not no_central_config)
    settings = api.settings()
    options = BootstrapOptions(
        proxy_id=found.id,
        cluster=found.cluster,
        config=found.config,
        door=door_of(api, settings, grpc_addr),
        token=settings.token,
        namespace=settings.namespace or "default",
        envoy_version=version,
        admin_host=host,
        admin_port=port,
        admin_log=admin_access_log_path,
    )
    configuration = made_of(options, os.environ)
    if bootstrap:
        print(json.dumps(configuration, indent=2))
        return
    api.close()
    more = (*drain_arguments(found.config), *args)
    raise SystemExit(_run(program, configuration, more, host, port, drain_s))


def _check(wishes: GatewayOptions, *, register: bool, sidecar_for: str) -> None:
    if wishes.kind and wishes.kind not in GATEWAYS:
        raise CommandError(f"-gateway: {wishes.kind!r} is none of terminating, mesh, ingress")
    if register and not wishes.kind:
        raise CommandError("-register is for gateways: a sidecar is registered with its service")
    if wishes.kind and sidecar_for:
        raise CommandError("-gateway and -sidecar-for each name a proxy: give one of them")
    if wishes.expose_servers and wishes.kind != "mesh":
        raise CommandError("-expose-servers is for mesh gateways: add -gateway=mesh")


def _seconds(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except RequestError as error:
        raise CommandError(f"{name}: {error}") from error
    if seconds < 0:
        raise CommandError(f"{name}: {text} is less than nothing")
    return seconds


def _register(api: Api, wishes: GatewayOptions) -> str:
    definition = gateway_definition(wishes)
    api.send(agent.register_service(definition))
    print(f"==> Registered service: {definition['Name']}", file=sys.stderr)
    return str(definition["ID"])


def _run(program: str, configuration: JsonObject, more: tuple[str, ...], host: str, port: int, drain_s: float) -> int:
    """Become Envoy; with a time for connections to end, stay in front of it."""
    from lictor_connect_proxy.xds.runner import execute

    allow_all_descriptors()
    if drain_s == 0:
        execute(program, configuration, more)
    import asyncio

    from lictor_connect_proxy.xds.runner import supervised

    return asyncio.run(supervised(program, configuration, more, host=host, port=port, drain_s=drain_s))
