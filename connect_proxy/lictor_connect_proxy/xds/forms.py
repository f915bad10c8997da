"""Small pieces of Envoy's configuration that come again and again, in proto3 JSON form."""

from __future__ import annotations

from typing import Final

from lictor_core.records import JsonObject

__all__ = ["ADS", "TYPE_PREFIX", "any_of", "lasting", "named_any", "pipe_address", "socket_address"]

TYPE_PREFIX: Final = "type.googleapis.com/"
ADS: Final[JsonObject] = {"ads": {}, "resource_api_version": "V3"}
"""Ask for it over the one stream that there is."""


def any_of(kind: str, **fields: object) -> JsonObject:
    """A message that says its own kind, by its full name."""
    return {"@type": TYPE_PREFIX + kind, **fields}


def named_any(name: str, kind: str, **fields: object) -> JsonObject:
    """An extension: its name, and its configuration of the kind."""
    return {"name": name, "typed_config": any_of(kind, **fields)}


def socket_address(host: str, port: int) -> JsonObject:
    """A TCP address."""
    return {"socket_address": {"address": host, "port_value": port}}


def pipe_address(path: str, mode: int | None = None) -> JsonObject:
    """A Unix socket; `mode` is for one that is listened on."""
    return {"pipe": {"path": path} if mode is None else {"path": path, "mode": mode}}


def lasting(duration_s: float) -> str:
    """A duration as protobuf writes it, in whole milliseconds, since Envoy counts most of them so."""
    return f"{round(duration_s * 1000) / 1000:.3f}".rstrip("0").rstrip(".") + "s"
