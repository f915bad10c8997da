"""Escape hatches: listeners and clusters that users write in Envoy's own words.

What they write is taken as it is, but for two things. TLS of the mesh cannot be left out: every filter chain of a
public listener, and every cluster of the mesh, gets the mesh's. And whoever may not connect does not come as far as the
filters of a public listener. Rules about requests cannot be put into filters that are written by hand, so whose
connections depend on their requests is denied there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from lictor_connect_proxy.xds.builders.settings import parsed
from lictor_core.records import JsonObject

__all__ = ["with_mesh_tls", "with_source_check", "written"]


def written(text: str) -> JsonObject | None:
    """The message in a hatch, without the type that it may name; None where there is none that can be read."""
    found = parsed(text)
    found.pop("@type", None)
    return found or None


def with_source_check(listener: JsonObject, transport_socket: JsonObject, checks: Sequence[JsonObject]) -> JsonObject:
    """The listener with the mesh's TLS and `checks` before each chain's own filters."""
    chains: list[JsonObject] = []
    for chain in _chains(listener):
        own = chain.get("filters")
        filters = cast("list[object]", own) if isinstance(own, list) else []
        chains.append({**chain, "transport_socket": transport_socket, "filters": [*checks, *filters]})
    found: JsonObject = {**listener, "filter_chains": chains}
    default = listener.get("default_filter_chain")
    if default is not None:
        # What fits no chain would go around the checks.
        found.pop("default_filter_chain")
    return found


def with_mesh_tls(cluster: JsonObject, name: str, generated: JsonObject) -> JsonObject:
    """The cluster under the name that listeners refer to, with the TLS that would have been generated."""
    found: JsonObject = {**cluster, "name": name, "transport_socket": generated["transport_socket"]}
    found.pop("transport_socket_matches", None)
    if "transport_socket_matches" in generated:
        found["transport_socket_matches"] = generated["transport_socket_matches"]
    return found


def _chains(listener: JsonObject) -> list[JsonObject]:
    found = listener.get("filter_chains")
    if not isinstance(found, list):
        return []
    return [cast(JsonObject, one) for one in cast("list[object]", found) if isinstance(one, dict)]
