"""What can be selected of each record that lists hold: asked of Consul 1.8.7, selector by selector.

Indexes, hashes, definitions of checks, and what proxies and upstreams are configured with cannot be selected.
"""

from __future__ import annotations

from typing import Final

from lictor_core.filter.fields import Field, Fields, Kind

__all__ = ["BY_NAME", "CATALOG_SERVICE", "CHECK", "HEALTH", "INTENTION", "NODE", "NODE_IN_FULL", "SERVICE"]


def _text(attribute: str) -> Field:
    return Field(Kind.TEXT, attribute)


def _number(attribute: str) -> Field:
    return Field(Kind.NUMBER, attribute)


def _truth(attribute: str) -> Field:
    return Field(Kind.TRUTH, attribute)


def _texts(attribute: str) -> Field:
    return Field(Kind.TEXTS, attribute)


def _by_key(attribute: str) -> Field:
    return Field(Kind.TEXT_BY_KEY, attribute)


def _record(attribute: str, fields: Fields) -> Field:
    return Field(Kind.RECORD, attribute, fields)


def _records(attribute: str, fields: Fields) -> Field:
    return Field(Kind.RECORDS, attribute, fields)


_ADDRESS: Final[Fields] = {"Address": _text("address"), "Port": _number("port")}
_WEIGHTS: Final[Fields] = {"Passing": _number("passing"), "Warning": _number("warning")}
_CONNECT: Final[Fields] = {"Native": _truth("native")}
_MESH_GATEWAY: Final[Fields] = {"Mode": _text("mode")}
_EXPOSE_PATH: Final[Fields] = {
    "ListenerPort": _number("listener_port"),
    "LocalPathPort": _number("local_path_port"),
    "ParsedFromCheck": _truth("parsed_from_check"),
    "Path": _text("path"),
    "Protocol": _text("protocol"),
}
_EXPOSE: Final[Fields] = {"Checks": _truth("checks"), "Paths": _records("paths", _EXPOSE_PATH)}
_UPSTREAM: Final[Fields] = {
    "Datacenter": _text("datacenter"),
    "DestinationName": _text("destination_name"),
    "DestinationNamespace": _text("destination_namespace"),
    "DestinationType": _text("destination_type"),
    "LocalBindAddress": _text("local_bind_address"),
    "LocalBindPort": _number("local_bind_port"),
    "MeshGateway": _record("mesh_gateway", _MESH_GATEWAY),
}
_PROXY: Final[Fields] = {
    "DestinationServiceID": _text("destination_service_id"),
    "DestinationServiceName": _text("destination_service_name"),
    "Expose": _record("expose", _EXPOSE),
    "LocalServiceAddress": _text("local_service_address"),
    "LocalServicePort": _number("local_service_port"),
    "MeshGateway": _record("mesh_gateway", _MESH_GATEWAY),
    "Upstreams": _records("upstreams", _UPSTREAM),
}

NODE: Final[Fields] = {
    "Address": _text("address"),
    "Datacenter": _text("datacenter"),
    "ID": _text("id"),
    "Meta": _by_key("meta"),
    "Node": _text("node"),
    "TaggedAddresses": _by_key("tagged_addresses"),
}
SERVICE: Final[Fields] = {
    "Address": _text("address"),
    "Connect": _record("connect", _CONNECT),
    "EnableTagOverride": _truth("enable_tag_override"),
    "ID": _text("id"),
    "Kind": _text("kind"),
    "Meta": _by_key("meta"),
    "Port": _number("port"),
    "Proxy": _record("proxy", _PROXY),
    "Service": _text("service"),
    "TaggedAddresses": Field(Kind.RECORD_BY_KEY, "tagged_addresses", _ADDRESS),
    "Tags": _texts("tags"),
    "Weights": _record("weights", _WEIGHTS),
}
CATALOG_SERVICE: Final[Fields] = {
    "Address": _text("address"),
    "Datacenter": _text("datacenter"),
    "ID": _text("id"),
    "Node": _text("node"),
    "NodeMeta": _by_key("node_meta"),
    "ServiceAddress": _text("service_address"),
    "ServiceConnect": _record("service_connect", _CONNECT),
    "ServiceEnableTagOverride": _truth("service_enable_tag_override"),
    "ServiceID": _text("service_id"),
    "ServiceKind": _text("service_kind"),
    "ServiceMeta": _by_key("service_meta"),
    "ServiceName": _text("service_name"),
    "ServicePort": _number("service_port"),
    "ServiceProxy": _record("service_proxy", _PROXY),
    "ServiceTaggedAddresses": Field(Kind.RECORD_BY_KEY, "service_tagged_addresses", _ADDRESS),
    "ServiceTags": _texts("service_tags"),
    "ServiceWeights": _record("service_weights", _WEIGHTS),
    "TaggedAddresses": _by_key("tagged_addresses"),
}
CHECK: Final[Fields] = {
    "CheckID": _text("check_id"),
    "Name": _text("name"),
    "Node": _text("node"),
    "Notes": _text("notes"),
    "Output": _text("output"),
    "ServiceID": _text("service_id"),
    "ServiceName": _text("service_name"),
    "ServiceTags": _texts("service_tags"),
    "Status": _text("status"),
    "Type": _text("type"),
}
HEALTH: Final[Fields] = {
    "Checks": _records("checks", CHECK),
    "Node": _record("node", NODE),
    "Service": _record("service", SERVICE),
}
NODE_IN_FULL: Final[Fields] = {
    **{name: field for name, field in NODE.items() if name != "Datacenter"},
    "Checks": _records("checks", CHECK),
    "Services": _records("services", SERVICE),
}
INTENTION: Final[Fields] = {
    "Action": _text("action"),
    "DefaultAddr": _text("default_addr"),
    "DefaultPort": _number("default_port"),
    "Description": _text("description"),
    "DestinationNS": _text("destination_ns"),
    "DestinationName": _text("destination_name"),
    "ID": _text("id"),
    "Meta": _by_key("meta"),
    "Precedence": _number("precedence"),
    "SourceNS": _text("source_ns"),
    "SourceName": _text("source_name"),
    "SourceType": _text("source_type"),
}

BY_NAME: Final = {
    "catalog_service": CATALOG_SERVICE,
    "check": CHECK,
    "health": HEALTH,
    "intention": INTENTION,
    "node": NODE,
    "node_in_full": NODE_IN_FULL,
    "service": SERVICE,
}
"""Each table by the name that queries give it (`FilterableQuery.listed`)."""
