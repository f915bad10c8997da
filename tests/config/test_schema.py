"""From a mapping to the tree; every setting of the tree acts somewhere, or its key is named as unused."""

import ast
import functools
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from lictor_config.keys import keys_of
from lictor_config.presets import DEV, PRODUCTION
from lictor_config.reading import Reader
from lictor_config.schema import read_configuration
from lictor_config.tree import (
    Acl,
    Addresses,
    AutoEncrypt,
    Autopilot,
    Cache,
    Configuration,
    Connect,
    Dns,
    DoorTls,
    Http,
    Limits,
    Log,
    Ports,
    SoaTimes,
    Telemetry,
    Tls,
    UnixSockets,
)
from lictor_config.unused import is_used

ROOT = Path(__file__).parents[2]

SECTIONS: dict[type, str] = {
    Configuration: "", Acl: "acl", Addresses: "addresses", Autopilot: "autopilot", Connect: "connect",
    Dns: "dns_config", Limits: "limits", Log: "", Ports: "ports", SoaTimes: "dns_config.soa", Tls: "",
    DoorTls: "tls.grpc", AutoEncrypt: "auto_encrypt",
    Http: "http_config", Cache: "cache", UnixSockets: "unix_sockets", Telemetry: "telemetry",
}  # fmt: skip
OTHER_NAMES = {
    "rotate_bytes": "log_rotate_bytes", "rotate_duration": "log_rotate_duration", "file": "log_file",
    "rotate_max_files": "log_rotate_max_files", "syslog": "enable_syslog", "http": "http_config",
    "coordinates": "disable_coordinates", "cipher_suites": "tls_cipher_suites",
    "prefer_server_cipher_suites": "tls_prefer_server_cipher_suites",
}  # fmt: skip


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_setting_in_the_tree_is_used_by_some_room_or_named_as_unused(kind: type) -> None:
    assert is_dataclass(kind)
    section = SECTIONS[kind]
    for field in fields(kind):
        if field.name in ("given", "prefix_filter"):  # what settings are made from
            continue
        key = OTHER_NAMES.get(field.name.removesuffix("_s"), field.name.removesuffix("_s"))
        spec = keys_of(section).get(key) or keys_of("").get(key)
        assert field.name in _attributes_read() or (spec is not None and not is_used(spec)), field.name


@functools.cache
def _attributes_read() -> set[str]:
    """The names of all attributes that the code outside this room reads."""
    found: set[str] = set()
    for room in ("agent/lictor_agent", "client/lictor", "server/lictor_server"):
        for path in (ROOT / room).rglob("*.py"):
            found |= {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    return found


@pytest.mark.parametrize("key", ["verify_incoming", "verify_incoming_rpc"])
@pytest.mark.parametrize("other", [{}, {"verify_incoming": False}, {"verify_incoming_rpc": False}])
def test_each_of_two_keys_demands_certificates_of_callers(key: str, other: dict[str, object]) -> None:
    tls = read_configuration(Reader({**other, key: True}), PRODUCTION).tls
    assert [door.verify_incoming for door in tls.doors] == [True, key == "verify_incoming", False]


def test_dev_differs_from_production_in_what_consuls_does() -> None:
    differing = {
        field.name for field in fields(Configuration) if getattr(DEV, field.name) != getattr(PRODUCTION, field.name)
    }
    assert differing == {"dev", "server", "bind_addr", "ports", "log", "ui", "connect", "enable_debug", "coordinates"}
