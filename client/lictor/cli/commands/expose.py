"""`lictor connect expose`: a service behind an ingress gateway. Source: Consul's document `commands/connect/expose`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import click

from lictor.api.calls import config, intentions
from lictor.cli.api import Api, ApiCommand, pass_api
from lictor.cli.data import refuse_arguments
from lictor.cli.errors import CommandError
from lictor.cli.flags import ValueKind, option
from lictor_core.errors import LictorError
from lictor_core.records import JsonObject

__all__ = ["expose", "exposed"]

_KIND: Final = "ingress-gateway"
_PORT_MAX: Final = 65_535


@click.command(
    cls=ApiCommand,
    usage="",
    examples=(
        "lictor connect expose -service=web -ingress-gateway=edge -port=8888",
        "lictor connect expose -service=web -ingress-gateway=edge -port=80 -protocol=http -host=example.com",
    ),
)
@option("-host", "Name of a host by which it is also asked for; may be repeated.", metavar="name", multiple=True)
@option("-ingress-gateway", "The gateway's service name.", metavar="name")
@option("-port", "Port of the gateway to listen at.", metavar="port", kind=ValueKind.WHOLE)
@option("-protocol", "What is spoken there: tcp, http, http2 or grpc.", metavar="protocol", default="tcp")
@option("-service", "The service to expose.", metavar="name")
@pass_api
def expose(
    api: Api, args: tuple[str, ...], host: tuple[str, ...], ingress_gateway: str, port: int, protocol: str, service: str
) -> None:
    """Let an ingress gateway listen for a service, and allow the connections between the two. What is so already is
    left as it is.
    """
    refuse_arguments(args)
    service, gateway = _name("-service", service), _name("-ingress-gateway", ingress_gateway)
    if not 0 < port <= _PORT_MAX:
        raise CommandError(f"-port is missing or none: a number from 1 to {_PORT_MAX}, where the gateway listens")
    _write(api, gateway, service, port, protocol.lower(), host)
    _allow(api, gateway, service)


def _write(api: Api, gateway: str, service: str, port: int, protocol: str, hosts: Sequence[str]) -> None:
    entry = api.send(config.get(_KIND, gateway, api.options()))
    before = entry if entry is not None else {"Kind": _KIND, "Name": gateway, "ModifyIndex": 0}
    after = exposed(before, service, port, protocol, hosts)
    if after == before:
        print(f'Service "{service}" already exposed through listener with port {port}')
        return
    if _served(_listener(before, port), service) is not None:
        print(f'Updating service definition for "{service}" on listener with port {port}')
    index = cast(int, before["ModifyIndex"])
    try:
        written = api.send(config.put(after, cas=index, dc=api.datacenter))
    except LictorError as error:
        raise CommandError(f"writing {_KIND}/{gateway}: {error}") from error
    if not written:
        raise CommandError(f"{_KIND}/{gateway} was changed by somebody else meanwhile: try again")
    print(f'Successfully updated config entry for ingress service "{gateway}"')


def _allow(api: Api, gateway: str, service: str) -> None:
    found = next(
        (
            one
            for one in api.send(intentions.list_all(api.options()))
            if (one.source_name, one.destination_name) == (gateway, service)
        ),
        None,
    )
    if found is None:
        wanted = {"SourceType": "consul", "SourceName": gateway, "DestinationName": service, "Action": "allow"}
        try:
            api.send(intentions.create(wanted))
        except LictorError as error:
            raise CommandError(f'the gateway listens, but the intention "{gateway} => {service}": {error}') from error
        print(f'Successfully set up intention for "{gateway}" -> "{service}"')
        return
    if found.action == "deny":
        raise CommandError(
            f'the gateway listens, but an intention denies "{gateway} => {service}": '
            f"`lictor intention create -replace {gateway} {service}` allows it"
        )
    print(f'Intention already exists for "{gateway}" -> "{service}"')


def exposed(
    entry: Mapping[str, object], service: str, port: int, protocol: str, hosts: Sequence[str]
) -> Mapping[str, object]:
    """The entry of the gateway with the service on the port; equal to `entry` when it is there with the same hosts.

    Raises `CommandError` where the port speaks another protocol.
    """
    listeners = [*_listeners(entry)]
    wanted: JsonObject = {"Name": service, "Hosts": list(hosts) or None}
    listener = _listener(entry, port)
    if listener is None:
        listeners.append({"Port": port, "Protocol": protocol, "Services": [wanted]})
        return {**entry, "Listeners": listeners}
    if listener["Protocol"] != protocol:
        raise CommandError(
            f'the listener on port {port} speaks "{listener["Protocol"]}", not "{protocol}": '
            f"give -protocol={listener['Protocol']}, or another port"
        )
    services, served = _services(listener), _served(listener, service)
    if served is None:
        services = [*services, wanted]
    elif (served.get("Hosts") or []) != list(hosts):
        services = [{**one, **wanted} if one is served else one for one in services]
    place = listeners.index(listener)
    return {**entry, "Listeners": [*listeners[:place], {**listener, "Services": services}, *listeners[place + 1 :]]}


def _name(flag: str, text: str) -> str:
    """A service's name; `default/web` is web, for there is no other namespace."""
    if not text:
        raise CommandError(f"{flag} is missing: the name of the service")
    namespace, slash, name = text.rpartition("/")
    if slash and namespace != "default":
        raise CommandError(f"{flag}={text}: namespaces are a feature of Consul Enterprise; give the name alone")
    return name


def _listeners(entry: Mapping[str, object]) -> list[JsonObject]:
    return cast(list[JsonObject], entry.get("Listeners") or [])


def _listener(entry: Mapping[str, object], port: int) -> JsonObject | None:
    return next((one for one in _listeners(entry) if one["Port"] == port), None)


def _services(listener: JsonObject) -> list[JsonObject]:
    return cast(list[JsonObject], listener.get("Services") or [])


def _served(listener: JsonObject | None, service: str) -> JsonObject | None:
    if listener is None:
        return None
    return next((one for one in _services(listener) if one["Name"] == service), None)
