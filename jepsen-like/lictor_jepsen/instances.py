"""Service instances as workloads write them: one number says all of one, and is told from any part of it.

Its address, its port and its metadata are made of the number. So a read that shows parts of two writes is noticed, and
DNS, which shows addresses alone, tells the number as well. Source of the bodies: Consul's documents
`api-docs/agent/service`, `api-docs/catalog`, `api-docs/health`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import Final

import msgspec

from lictor_jepsen.clients.base import decoded
from lictor_jepsen.http import Answer
from lictor_jepsen.op import OUTSIDE, Value

__all__ = [
    "address_of",
    "agent_registration",
    "catalog_registration",
    "catalog_rows",
    "health_rows",
    "local_rows",
    "number_at",
    "outside_node",
    "port_of",
]

_NET: Final = int(IPv4Address("10.0.0.0"))
_NUMBERS_MAX: Final = 1 << 24
_PORTS_FROM, _PORTS = 1024, 60_000
_META: Final = "n"


class _Service(msgspec.Struct):
    """An instance as the agent and the health endpoints tell it."""

    ID: str
    Service: str
    Address: str = ""
    Port: int = 0
    Meta: Mapping[str, str] | None = None


class _Node(msgspec.Struct):
    Node: str
    Address: str


class _Healthy(msgspec.Struct):
    """A row of `/v1/health/service`."""

    Node: _Node
    Service: _Service


class _Listed(msgspec.Struct):
    """A row of `/v1/catalog/service`."""

    Node: str
    Address: str
    ServiceID: str
    ServiceAddress: str = ""
    ServicePort: int = 0
    ServiceMeta: Mapping[str, str] | None = None


def address_of(number: int) -> str:
    """The address of the instance with a number; each number below 2^24 has one of its own."""
    return str(IPv4Address(_NET + number % _NUMBERS_MAX))


def port_of(number: int) -> int:
    """Its port."""
    return _PORTS_FROM + number % _PORTS


def number_at(address: str) -> int | None:
    """The number behind an address; None for one that no number has."""
    try:
        number = int(IPv4Address(address)) - _NET
    except AddressValueError:
        return None
    return number if 0 <= number < _NUMBERS_MAX else None


def outside_node(name: str) -> str:
    """The node without an agent that carries an instance."""
    return f"{OUTSIDE}{name}"


def agent_registration(service: str, id_: str, number: int) -> str:
    """The body of `/v1/agent/service/register`."""
    return json.dumps({"Name": service, **_definition(id_, number)})


def catalog_registration(service: str, id_: str, number: int, status: str = "") -> str:
    """The body of `/v1/catalog/register`, for a node without an agent, whose address changes with the instance's.

    With a `status` the instance has a check of that status.
    """
    node = {"Node": outside_node(id_), "Address": address_of(number)}
    check = {"CheckID": f"service:{id_}", "Name": "told", "ServiceID": id_, "Status": status}
    instance = {"Service": {"Service": service, **_definition(id_, number)}}
    return json.dumps({**node, **instance, **({"Check": check} if status else {})})


def _definition(id_: str, number: int) -> Mapping[str, object]:
    return {"ID": id_, "Address": address_of(number), "Port": port_of(number), "Meta": {_META: str(number)}}


def health_rows(answer: Answer) -> Value:
    """The instances in an answer of `/v1/health/service`: (node/id, number), sorted. Raises `Refused`."""
    return _sorted(
        (f"{row.Node.Node}/{row.Service.ID}", _number(row.Service, row.Node)) for row in decoded(answer, list[_Healthy])
    )


def catalog_rows(answer: Answer) -> Value:
    """The same of `/v1/catalog/service`."""
    return _sorted(
        (f"{row.Node}/{row.ServiceID}", _number(_of(row), _Node(row.Node, row.Address)))
        for row in decoded(answer, list[_Listed])
    )


def local_rows(answer: Answer, node: str, service: str) -> Value:
    """The same of a service in an answer of `/v1/agent/services`, by the agent of `node`."""
    rows = decoded(answer, dict[str, _Service]).values()
    return _sorted((f"{node}/{row.ID}", _number(row, None)) for row in rows if row.Service == service)


def _of(row: _Listed) -> _Service:
    return _Service(row.ServiceID, "", row.ServiceAddress, row.ServicePort, row.ServiceMeta)


def _sorted(rows: Iterable[tuple[str, int | str]]) -> Value:
    return tuple(sorted(rows, key=lambda row: row[0]))


def _number(service: _Service, node: _Node | None) -> int | str:
    """The number that all parts tell; words when they tell different ones."""
    text = (service.Meta or {}).get(_META, "")
    if text.isdecimal():
        number = int(text)
        addresses = {service.Address, node.Address if node and node.Node.startswith(OUTSIDE) else service.Address}
        if addresses == {address_of(number)} and service.Port == port_of(number):
            return number
    return f"torn: {text!r}, {service.Address}:{service.Port}{f' on {node.Address}' if node else ''}"
