"""Requests and responses of delta discovery in protobuf's form, and in ours. Pure.

Source: `envoy/service/discovery/v3/discovery.proto` of Envoy's API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableSequence
from typing import Final, NamedTuple, Protocol, cast

from lictor_connect_proxy.xds.descriptors import DecodeError, Message, message_class
from lictor_connect_proxy.xds.stream import DeltaRequest, DeltaResponse
from lictor_core.errors import RequestError

__all__ = ["REQUEST", "RESPONSE", "Asked", "asked", "response_message"]

REQUEST: Final = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
RESPONSE: Final = "envoy.service.discovery.v3.DeltaDiscoveryResponse"


class Asked(NamedTuple):
    """A request, and of the first one who asks: the node's id, and the version of its Envoy."""

    request: DeltaRequest
    proxy_id: str
    version: str


class _Version(Protocol):
    major_number: int
    minor_number: int
    patch: int


class _Build(Protocol):
    version: _Version


class _Node(Protocol):
    id: str
    user_agent_build_version: _Build


class _Status(Protocol):
    message: str


class _Request(Protocol):
    node: _Node
    type_url: str
    resource_names_subscribe: Iterable[str]
    resource_names_unsubscribe: Iterable[str]
    initial_resource_versions: Mapping[str, str]
    response_nonce: str
    error_detail: _Status

    def HasField(self, name: str) -> bool: ...


class _Any(Protocol):
    type_url: str
    value: bytes


class _Resource(Protocol):
    name: str
    version: str
    resource: _Any


class _Resources(Protocol):
    def add(self) -> _Resource: ...


class _Response(Protocol):
    type_url: str
    nonce: str
    resources: _Resources
    removed_resources: MutableSequence[str]


def asked(data: bytes) -> Asked:
    """What a client sent. Raises `RequestError` for what is no request."""
    try:
        message = cast(_Request, message_class(REQUEST).FromString(data))
    except DecodeError as error:
        raise RequestError("what was sent is no DeltaDiscoveryRequest") from error
    version = message.node.user_agent_build_version.version
    numbers = (version.major_number, version.minor_number, version.patch)
    request = DeltaRequest(
        kind=message.type_url,
        subscribe=tuple(message.resource_names_subscribe),
        unsubscribe=tuple(message.resource_names_unsubscribe),
        versions=dict(message.initial_resource_versions),
        nonce=message.response_nonce,
        error=(message.error_detail.message or "no reason was given") if message.HasField("error_detail") else None,
    )
    return Asked(request, message.node.id, ".".join(map(str, numbers)) if any(numbers) else "")


def response_message(response: DeltaResponse) -> Message:
    """The message that is sent."""
    made = message_class(RESPONSE)()
    message = cast(_Response, made)
    message.type_url = response.kind
    message.nonce = response.nonce
    for name, held in response.resources:
        resource = message.resources.add()
        resource.name = name
        resource.version = held.version
        resource.resource.type_url = response.kind
        resource.resource.value = held.body
    message.removed_resources.extend(response.removed)
    return made
