"""From a snapshot to what an Envoy is given: pure functions that make resources in proto3 JSON form.

`build` is the whole of it. What is not known lets nobody in: without a policy the public listener admits no
certificate, without a certificate there is no listener for the mesh at all.
"""

from __future__ import annotations

from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_connect_proxy.xds.builders.draft import Draft
from lictor_connect_proxy.xds.builders.ingress import add_ingress
from lictor_connect_proxy.xds.builders.mesh import add_mesh
from lictor_connect_proxy.xds.builders.sidecar import add_sidecar
from lictor_connect_proxy.xds.builders.terminating import add_terminating
from lictor_connect_proxy.xds.kinds import Resources
from lictor_core.records import ServiceKind

__all__ = ["build"]


def build(snapshot: ProxySnapshot) -> Resources:
    """The resources of one Envoy: by type URL, then by name. The same snapshot makes the same resources."""
    draft = Draft()
    match snapshot.kind:
        case ServiceKind.INGRESS_GATEWAY:
            add_ingress(draft, snapshot)
        case ServiceKind.TERMINATING_GATEWAY:
            add_terminating(draft, snapshot)
        case ServiceKind.MESH_GATEWAY:
            add_mesh(draft, snapshot)
        case _:
            add_sidecar(draft, snapshot)
    return draft.resources()
