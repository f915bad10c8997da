"""Discovery chains: `/v1/discovery-chain`. Source: Consul's document `api-docs/discovery-chain`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from lictor.api.messages import Call, Options, json_call
from lictor_core.records import JsonObject, Record

__all__ = ["CompiledChain", "get"]


class CompiledChain(Record, frozen=True, kw_only=True):
    """How requests for a service find their instances: begin at `start_node`, end at one of `targets`.

    Nodes and targets have the keys of Consul's API.
    """

    service_name: str
    namespace: str
    datacenter: str
    customization_hash: str = ""
    protocol: str
    start_node: str
    nodes: dict[str, JsonObject]
    targets: dict[str, JsonObject]


class _Answered(Record, frozen=True, kw_only=True):
    chain: CompiledChain = msgspec.field(name="Chain")


def get(
    service: str,
    options: Options | None = None,
    *,
    compile_dc: str = "",
    overrides: Mapping[str, object] | None = None,
) -> Call[CompiledChain]:
    """The chain of a service; `overrides` are `OverrideConnectTimeout`, `OverrideProtocol`, `OverrideMeshGateway`."""
    compiling = ("compile-dc", compile_dc)
    made = json_call(
        _Answered,
        f"/v1/discovery-chain/{service}",
        options,
        compiling,
        method="POST" if overrides else "GET",
        body=dict(overrides) if overrides else None,
    )
    return Call(request=made.request, read=lambda response: made.read(response).chain)
