"""What differs between two configurations of one agent, and what of it a running agent can take over.

Source: Consul's document `docs/agent/options`, "Reloadable Configuration".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from lictor_config.keys import KeyKind, keys
from lictor_config.tree import Configuration
from lictor_config.unused import is_used

__all__ = ["RELOADABLE", "Differences", "differences"]

RELOADABLE: Final = frozenset(
    {
        "acl.tokens.agent",
        "acl.tokens.agent_master",
        "acl.tokens.agent_recovery",
        "acl.tokens.default",
        "ca_file",
        "ca_path",
        "cert_file",
        "checks",
        "config_entries",
        "discard_check_output",
        "dns_config",
        "key_file",
        "limits.http_burst_per_client",
        "limits.http_burst_per_token",
        "limits.http_max_conns_per_client",
        "limits.http_rate_per_client",
        "limits.http_rate_per_token",
        "limits.request_limits",
        "limits.rpc_max_burst",
        "limits.rpc_max_conns_per_client",
        "limits.rpc_rate",
        "log_level",
        "node_meta",
        "recursors",
        "services",
        "telemetry.filter_default",
        "telemetry.prefix_filter",
        "tls",
        "tls_cipher_suites",
        "tls_min_version",
        "tls_prefer_server_cipher_suites",
        "verify_incoming",
        "verify_incoming_https",
        "verify_incoming_rpc",
        "verify_outgoing",
        "verify_server_hostname",
        "watches",
    }
)
"""Keys, and sections with all their keys, that a running agent takes over."""
_CERTIFICATES: Final = ("cert_file", "key_file")


@dataclass(frozen=True)
class Differences:
    """Paths of keys that differ: those that are `taken` over, and those that wait for a `restart`.

    Keys that do nothing are in neither.
    """

    taken: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def differences(old: Configuration, new: Configuration) -> Differences:
    """What differs between what two configurations were given, in the order of the table of keys."""
    changed = set(_changed("", old.given, new.given))
    known = keys()
    acting = [spec for spec in known.values() if spec.path in changed and is_used(spec)]
    taken = [
        spec.path for spec in acting if _is_reloadable(spec.newer or spec.path) and _is_in_time(spec.path, old, new)
    ]
    return Differences(tuple(taken), tuple(spec.path for spec in acting if spec.path not in taken))


def _is_reloadable(path: str) -> bool:
    return any(f"{path}.".startswith(f"{one}.") for one in RELOADABLE)


def _is_in_time(path: str, old: Configuration, new: Configuration) -> bool:
    """Whether a reload is enough: it turns HTTPS neither on nor off."""
    if path.rpartition(".")[2] not in _CERTIFICATES or new.ports.https < 0:
        return True
    return old.tls.https.has_certificate == new.tls.https.has_certificate


def _changed(section: str, old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    found: list[str] = []
    known = keys()
    for name in {**old, **new}:
        path = f"{section}.{name}" if section else name
        before, after = old.get(name), new.get(name)
        if before == after or path not in known:
            continue
        if known[path].kind is KeyKind.SECTION:
            found += _changed(path, _mapping(before), _mapping(after))
        else:
            found.append(path)
    return found


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
