"""`lictor connect`: the built-in proxy, and the certificate authority."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from lictor.api.calls import ca
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import file_data
from lictor.cli.errors import CommandError
from lictor.cli.flags import GoGroup, flag, option
from lictor_core.codec import from_json
from lictor_core.errors import RequestError
from lictor_core.records import JsonObject

__all__ = ["command"]

_LOG_LEVELS = ("trace", "debug", "info", "warn", "err")

command = GoGroup(
    "connect",
    help="Run a proxy of the mesh, and look after its certificate authority.",
    examples=(
        ("lictor connect proxy -sidecar-for=web", "the proxy registered beside web"),
        ("lictor connect proxy -service=me -upstream=db:9191", "reach db as the service me"),
        ("lictor connect ca get-config", "how certificates are made"),
    ),
)

authority = GoGroup("ca", help="Show and change the settings of the mesh's certificate authority.")
command.add_command(authority)


@authority.command("get-config", cls=ApiCommand, examples=("lictor connect ca get-config",))
@pass_api
def get_config(api: Api, args: tuple[str, ...]) -> None:
    """Show the settings as JSON."""
    settings = api.send(ca.configuration())
    shown = {
        key: settings[key] for key in ("Provider", "Config", "State", "CreateIndex", "ModifyIndex") if key in settings
    }
    print(json.dumps(shown, indent="\t", ensure_ascii=False))


@authority.command("set-config", cls=ApiCommand, examples=("lictor connect ca set-config -config-file=ca.json",))
@option("-config-file", "File with the new settings, in the form that get-config shows.", metavar="file")
@pass_api
def set_config(api: Api, args: tuple[str, ...], config_file: str) -> None:
    """Change the settings. A new key or another provider makes a new root; the old one stays trusted for a while."""
    if not config_file:
        raise CommandError("-config-file is needed: the file with the new settings")
    try:
        settings = from_json(file_data(config_file), JsonObject)
    except RequestError as error:
        raise CommandError(f"{config_file}: {error}") from error
    api.send(ca.configure(settings))
    print("Configuration updated!")


def _upstreams(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    found: list[tuple[str, str, int]] = []
    for text in values:
        name, separator, address = text.partition(":")
        host, port = _split(address)
        if not separator or not name or not port.isdecimal() or not 0 < int(port) <= 65_535:
            raise click.BadParameter(
                f'"{text}" is not of the form name:port or name:address:port', param=parameter, ctx=context
            )
        found.append((name, host or "127.0.0.1", int(port)))
    return tuple(found)


def _split(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    return host, port


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
    "-listen", "Address for connections from the mesh, host:port; needs -service and -service-addr.", metavar="address"
)
@flag("-log-json", "Write log events as JSON, one a line.")
@option("-log-level", "trace, debug, info, warn or err.", metavar="level", default="info")
@option("-proxy-id", "Id of the proxy's registration with the agent.", metavar="id")
@flag("-register", "Register the proxy with the agent; needs -listen.")
@option("-register-id", "What tells the registration from that of other proxies of the service.", metavar="text")
@option("-service", "Name of the service that the proxy stands for.", metavar="name")
@option("-service-addr", "Address of the service itself, host:port.", metavar="address")
@option("-sidecar-for", "Id of the instance whose registered sidecar this is.", metavar="id")
@option("-upstream", "Service to make reachable, name:port or name:address:port; may be repeated.",
        metavar="name:port", multiple=True, callback=_upstreams)  # fmt: skip
@pass_api
def proxy(
    api: Api,
    args: tuple[str, ...],
    listen: str,
    log_json: bool,
    log_level: str,
    proxy_id: str,
    register: bool,
    register_id: str,
    service: str,
    service_addr: str,
    sidecar_for: str,
    upstream: tuple[tuple[str, str, int], ...],
) -> None:
    """Run the built-in proxy in the foreground: it proves who its service is, checks who connects, and reaches other
    services. It takes its settings from its registration, or from flags.
    """
    if not (service or proxy_id or sidecar_for):
        raise CommandError("one of -sidecar-for, -proxy-id and -service is needed: whose proxy is it?")
    if listen and not service_addr:
        raise CommandError("-listen needs -service-addr: the address of the service itself")
    if log_level.lower() not in _LOG_LEVELS:
        raise CommandError(f"-log-level={log_level} is none of {', '.join(_LOG_LEVELS)}")
