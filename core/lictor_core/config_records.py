"""Records of configuration entries and of what follows from them, as they travel and are shown.

What each kind of entry may hold is known to `lictor_core.entries` alone: most agents never look into one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.records import Expose, JsonObject, MeshGateway, Record

__all__ = ["ChainAnswer", "ConfigEntry", "GatewayName", "GatewayService", "ServiceConfig"]


_FIRST: Final = ("ConnectTimeout",)


class ConfigEntry(Record, frozen=True, kw_only=True):
    """A configuration entry as it is kept: `body` holds all but its kind and name, in the form of its JSON."""

    kind: str
    name: str
    body: JsonObject
    create_index: int
    modify_index: int

    def shown(self) -> JsonObject:
        """The entry as the API shows it."""
        indexes = {"CreateIndex": self.create_index, "ModifyIndex": self.modify_index}
        # Consul writes durations before all else, and people compare what commands print.
        first = {key: self.body[key] for key in _FIRST if key in self.body}
        return {**first, "Kind": self.kind, "Name": self.name, **self.body, **indexes}


class ChainAnswer(Record, frozen=True, kw_only=True):
    """A discovery chain (`lictor_core.entries.chains`) in the form of its JSON, or why there can be none."""

    chain: JsonObject | None
    flaw: str = ""


class ServiceConfig(Record, frozen=True, kw_only=True):
    """What the entries say of the proxies of a service. `upstream_configs` go by the names of their destinations."""

    proxy_config: JsonObject | None
    upstream_configs: dict[str, JsonObject]
    mesh_gateway: MeshGateway
    expose: Expose


class GatewayName(Record, frozen=True, kw_only=True):
    """The name of a service, in the form that answers about gateways give it."""

    name: str


class GatewayService(Record, frozen=True, kw_only=True):
    """A service behind a gateway, and how it is reached: a row of `/v1/catalog/gateway-services`.

    `from_wildcard` says that the gateway's entry does not name it.
    """

    gateway: GatewayName
    service: GatewayName
    gateway_kind: str
    port: int = 0
    protocol: str = ""
    hosts: tuple[str, ...] = ()
    ca_file: str = msgspec.field(default="", name="CAFile")
    cert_file: str = msgspec.field(default="", name="CertFile")
    key_file: str = msgspec.field(default="", name="KeyFile")
    sni: str = msgspec.field(default="", name="SNI")
    from_wildcard: bool = False
    create_index: int
    modify_index: int
