"""The rules for metadata of nodes and services. Source: Consul's document `docs/agent/options`, key `node_meta`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lictor_core.limits import META_KEY_CHARS_MAX, META_PAIRS_MAX, META_VALUE_CHARS_MAX
from lictor_core.records import ServiceKind

__all__ = ["RESERVED_PREFIX", "metadata_flaw"]

RESERVED_PREFIX: Final = "consul-"
"""Keys with this prefix are the agent's own."""
_OF_MESH_GATEWAYS: Final = "consul-wan-federation"
"""By which a mesh gateway says that it is the way into its datacenter."""
_KEY: Final = re.compile(r"[a-zA-Z0-9_-]+")


def metadata_flaw(
    pairs: Mapping[str, str], *, allow_reserved: bool, kind: ServiceKind = ServiceKind.TYPICAL
) -> str | None:
    """What is wrong with `pairs`, in Consul's words; None when nothing is. `kind` is the service's."""
    if len(pairs) > META_PAIRS_MAX:
        return f"Node metadata cannot contain more than {META_PAIRS_MAX} key/value pairs"
    for key, value in pairs.items():
        is_allowed = allow_reserved or (kind is ServiceKind.MESH_GATEWAY and key == _OF_MESH_GATEWAYS)
        if (flaw := _pair_flaw(key, value, allow_reserved=is_allowed)) is not None:
            return f"Couldn't load metadata pair ('{key}', '{value}'): {flaw}"
    return None


def _pair_flaw(key: str, value: str, *, allow_reserved: bool) -> str | None:
    if not key:
        return "Key cannot be blank"
    if _KEY.fullmatch(key) is None:
        return "Key contains invalid characters"
    if len(key) > META_KEY_CHARS_MAX:
        return f"Key is too long (limit: {META_KEY_CHARS_MAX} characters)"
    if key.startswith(RESERVED_PREFIX) and not allow_reserved:
        return f"Key prefix '{RESERVED_PREFIX}' is reserved for internal use"
    if len(value) > META_VALUE_CHARS_MAX:
        return f"Value is too long (limit: {META_VALUE_CHARS_MAX} characters)"
    return None
