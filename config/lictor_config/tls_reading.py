"""TLS from both forms of a configuration: the keys of the outermost level, and those of the section `tls`.

`tls` (Consul 1.12 and later) has `defaults` and a section for each door. A door takes what its own section says, then
what the defaults say, then the older key; `verify_incoming_rpc` and `verify_incoming_https` stand for their doors. The
older `verify_incoming` never meant the gRPC port, and does not now; that of the defaults does.
Source: Consul's documents `docs/agent/options` of 1.8.7 and `docs/agent/config/config-files` of 1.12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final, cast

from lictor_config.ciphers import openssl_names
from lictor_config.keys import KeyKind, keys_of
from lictor_config.reading import Reader
from lictor_config.tls import DoorTls, Tls
from lictor_config.tree import Configuration
from lictor_config.unused import check_rest
from lictor_core.errors import ConfigurationError

__all__ = ["read_tls", "tls_flaws", "tls_warnings"]

_Said = dict[str, tuple[str | bool, str]]
"""Values and the paths that said them, by the names that keys have in a section of `tls`."""
_VERSIONS: Final = {
    "TLS_AUTO": "", "TLSv1_0": "tls10", "TLSv1_1": "tls11", "TLSv1_2": "tls12", "TLSv1_3": "tls13",
}  # fmt: skip
"""Later Consul's words for versions."""
_VERSIONS_TAKEN: Final = ("", "tls10", "tls11", "tls12", "tls13")
_VERSIONS_OLD: Final = ("tls10", "tls11")
_OLDER: Final = (
    "ca_file", "ca_path", "cert_file", "key_file", "tls_cipher_suites", "tls_min_version", "verify_incoming",
    "verify_outgoing", "verify_server_hostname",
)  # fmt: skip
"""Keys of the outermost level that mean what those of `tls.defaults` mean."""
_DOORS_OLDER: Final = {"verify_incoming_rpc": "internal_rpc", "verify_incoming_https": "https"}
_CAS: Final = ("ca_file", "ca_path")


def read_tls(reader: Reader, base: Tls) -> Tls:
    """What the outermost level says, in either form; problems are noted in the reader."""
    older = _older(reader)
    by_door = {name: reader.boolean(name) for name in _DOORS_OLDER}
    section = reader.child("tls")
    defaults = _section(section, "defaults")
    doors: dict[str, DoorTls] = {}
    for name, before in {"internal_rpc": base.internal_rpc, "https": base.https, "grpc": base.grpc}.items():
        said = _over(older, defaults)
        if name == "grpc" and "verify_incoming" not in defaults:
            said.pop("verify_incoming", None)
        for key, door in _DOORS_OLDER.items():
            # Each of the two turns it on, and neither turns it off for the other, as in Consul 1.8.
            if door == name and by_door[key]:
                said["verify_incoming"] = (True, key)
        doors[name] = _door(before, _over(said, _section(section, name)))
    if section is not None:
        check_rest(section, "tls")
        section.done()
    return Tls(
        **doors,
        prefer_server_cipher_suites=reader.boolean("tls_prefer_server_cipher_suites", base.prefer_server_cipher_suites),
        server_name=reader.text("server_name", base.server_name),
    )


def _older(reader: Reader) -> _Said:
    found: _Said = {}
    for key in _OLDER:
        value = reader.boolean(key) if key.startswith("verify") else reader.text(key)
        if reader.has(key):
            found[key] = (value, key)
    return found


def _section(tls: Reader | None, name: str) -> _Said:
    child = None if tls is None else tls.child(name)
    if child is None:
        return {}
    found: _Said = {}
    for spec in keys_of(f"tls.{name}").values():
        value = child.boolean(spec.name) if spec.kind is KeyKind.BOOLEAN else child.text(spec.name)
        if child.has(spec.name):
            found[spec.name] = (value, spec.path)
    child.done()
    return found


def _over(lower: _Said, upper: _Said) -> _Said:
    """Both, of which the upper holds: whoever names a directory of CAs does not mean the file of the lower."""
    dropped = _CAS if any(key in upper for key in _CAS) else ()
    return {key: value for key, value in lower.items() if key not in dropped} | upper


def _door(base: DoorTls, said: _Said) -> DoorTls:
    def text(key: str, default: str) -> str:
        value = said[key][0] if key in said else default
        return value if isinstance(value, str) else default

    def switch(key: str, default: bool) -> bool:
        value = said[key][0] if key in said else default
        return value if isinstance(value, bool) else default

    version = text("tls_min_version", base.min_version)
    return DoorTls(
        ca_file=text("ca_file", base.ca_file),
        ca_path=text("ca_path", base.ca_path),
        cert_file=text("cert_file", base.cert_file),
        key_file=text("key_file", base.key_file),
        verify_incoming=switch("verify_incoming", base.verify_incoming),
        verify_outgoing=switch("verify_outgoing", base.verify_outgoing),
        verify_server_hostname=switch("verify_server_hostname", base.verify_server_hostname),
        min_version=_VERSIONS.get(version, version),
        cipher_suites=text("tls_cipher_suites", base.cipher_suites),
        use_auto_cert=switch("use_auto_cert", base.use_auto_cert),
        said={**base.said, **{key: path for key, (_, path) in said.items()}},
    )


def tls_flaws(configuration: Configuration) -> Iterator[str]:
    """What forbids this configuration, each once."""
    yield from dict.fromkeys((*_all_flaws(configuration), *_auto_encrypt_flaws(configuration)))


def _all_flaws(configuration: Configuration) -> Iterator[str]:
    tls, rpc = configuration.tls, configuration.tls.internal_rpc
    for door in tls.doors:
        if door.min_version not in _VERSIONS_TAKEN:
            key = door.key("tls_min_version")
            yield f"{key}: {door.min_version!r} is none of {', '.join((*_VERSIONS_TAKEN[1:], *_VERSIONS))}"
        try:
            openssl_names(door.cipher_suites, door.key("tls_cipher_suites"))
        except ConfigurationError as error:
            yield str(error)
        if door.verify_incoming and not door.has_ca:
            yield f"{door.key('verify_incoming')}: needs ca_file or ca_path, which say whose certificates are good"
    if rpc.verify_incoming and not (rpc.has_certificate or configuration.auto_encrypt.tls):
        key = rpc.key("verify_incoming")
        yield f"{key}: needs cert_file and key_file, without which nobody can dial this agent with TLS"
    for key in ("verify_outgoing", "verify_server_hostname"):
        if getattr(rpc, key) and not rpc.has_ca:
            yield f"{rpc.key(key)}: needs ca_file or ca_path, which say whose certificates are good"
            break


def _auto_encrypt_flaws(configuration: Configuration) -> Iterator[str]:
    auto = configuration.auto_encrypt
    if auto.tls and configuration.server:
        yield "auto_encrypt.tls: is for agents that are no servers; a server gives certificates with allow_tls"
    elif auto.tls and not configuration.tls.internal_rpc.has_ca:
        yield "auto_encrypt.tls: needs ca_file or ca_path, which say from whom a certificate is taken"
    if auto.allow_tls and not configuration.server:
        yield "auto_encrypt.allow_tls: is for servers; an agent asks for its certificate with tls"


def tls_warnings(configuration: Configuration) -> Iterator[str]:
    """What works but was perhaps not meant, each once."""
    yield from dict.fromkeys((*_in_vain(configuration), *_auto_encrypt_warnings(configuration)))
    yield from _outdone(configuration.given)


def _in_vain(configuration: Configuration) -> Iterator[str]:
    for door in configuration.tls.doors:
        if door.min_version in _VERSIONS_OLD:
            yield f"{door.key('tls_min_version')} is {door.min_version}: TLS 1.2 is the oldest that is spoken"
        if bool(door.cert_file) != bool(door.key_file):
            given, missing = ("cert_file", "key_file") if door.cert_file else ("key_file", "cert_file")
            yield f"{door.key(given)} without {missing} has no effect"
        if door.ca_file and door.ca_path:
            yield f"{door.key('ca_path')} has no effect beside {door.key('ca_file')}"
    tls, auto = configuration.tls, configuration.auto_encrypt
    if configuration.ports.https > 0 and not (tls.https.has_certificate or configuration.asks_for_certificate):
        # Consul starts so, too, and then fails every handshake; HashiCorp's helper for tests always names this port.
        yield "ports.https without cert_file and key_file has no effect: HTTPS needs a certificate to show"
    if tls.grpc.use_auto_cert and not auto.tls:
        yield f"{tls.grpc.key('use_auto_cert')} has no effect without auto_encrypt.tls"


def _auto_encrypt_warnings(configuration: Configuration) -> Iterator[str]:
    auto, rpc = configuration.auto_encrypt, configuration.tls.internal_rpc
    if auto.tls and rpc.has_certificate:
        yield f"auto_encrypt.tls has no effect beside {rpc.key('cert_file')}"
    if auto.allow_tls and not rpc.has_certificate:
        yield "auto_encrypt.allow_tls has no effect without cert_file and key_file: agents take nothing from strangers"
    elif auto.allow_tls and not rpc.verify_incoming:
        yield (
            "auto_encrypt.allow_tls without verify_incoming or verify_incoming_rpc: agents get certificates, and "
            "nobody asks for them; turn one of them on once all agents use TLS"
        )
    for address in auto.ip_san:
        if not _is_address(address):
            yield f"auto_encrypt.ip_san: {address!r} is no IP address, and is left out"


def _outdone(given: Mapping[str, object]) -> Iterator[str]:
    """Older keys in whose place a newer one holds."""
    tls = _mapping(given.get("tls"))
    defaults = _mapping(tls.get("defaults"))
    for key in _OLDER:
        if key not in given:
            continue
        if key in defaults:
            yield f"{key} has no effect beside tls.defaults.{key}"
        elif key in ("verify_outgoing", "verify_server_hostname") and key in _mapping(tls.get("internal_rpc")):
            yield f"{key} has no effect beside tls.internal_rpc.{key}"
    for key, door in _DOORS_OLDER.items():
        if key in given and "verify_incoming" in _mapping(tls.get(door)):
            yield f"{key} has no effect beside tls.{door}.verify_incoming"


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
