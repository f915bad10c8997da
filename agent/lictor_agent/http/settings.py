"""The bounds and habits of the HTTP API, Consul's where Consul has one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lictor_agent.http.throttle import UNLIMITED, ClientRates
from lictor_core.limits import (
    ARCHIVE_BYTES_MAX,
    BLOCKED_QUERIES_MAX,
    BODY_BYTES_MAX,
    KV_VALUE_BYTES_MAX,
    WAIT_DEFAULT_S,
    WAIT_MAX_S,
)
from lictor_server import PemPair

__all__ = ["HttpSettings", "HttpsSettings"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpsSettings:
    """What HTTPS is spoken with; names are Consul's. Of `ca_file` and `ca_path` the first wins.

    `verify_incoming` takes nobody without a certificate of that CA. `min_version` is `tls12` or `tls13`,
    `cipher_suites` names of Go with commas between them, for TLS 1.2. `said` gives the paths of keys that have others
    than their names, for messages. Without files `pair` is shown, and while it `is_awaited` from the servers, nothing:
    handshakes fail until then. Callers are believed by `agent_roots` (PEM), too.
    """

    ca_file: str = ""
    ca_path: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify_incoming: bool = False
    min_version: str = ""
    cipher_suites: str = ""
    prefers_server_ciphers: bool = False
    handshake_s_max: float = 5.0
    pair: PemPair | None = None
    is_awaited: bool = False
    agent_roots: str = ""
    said: Mapping[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)

    def key(self, name: str) -> str:
        """The path of the key that said `name`."""
        return self.said.get(name, name)


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSettings:
    """What an operator may set. Sizes are bytes, times are seconds.

    `always_pretty` indents every JSON answer, as a development agent of Consul does. `connections_per_client_max` is
    Consul's `limits.http_max_conns_per_client`, `kv_value_bytes_max` its `limits.kv_max_value_size`,
    `txn_bytes_max` its `limits.txn_max_req_len`,
    `wait_default_s` and `wait_s_max` its `default_query_time` and `max_query_time`; `blocked_endpoints` and
    `write_networks` are `http_config.block_endpoints` and `allow_write_http_from`. `https` is for the addresses that
    speak it; `takes_unprintable` is `disable_http_unprintable_char_filter`, `discovery_stale_s` is
    `discovery_max_stale`. A client that takes fewer than `unread_bytes_min` of what waits for it
    in `unread_s_max` is cut off. `takes_cross_site_writes` and `allowed_hosts` are
    `http_config.allow_cross_site_writes` and `allowed_hosts`. `rates` are `limits.http_rate_per_client` and its like.
    """

    always_pretty: bool = False
    use_cache: bool = True
    response_headers: tuple[tuple[str, str], ...] = ()
    blocked_endpoints: tuple[str, ...] = ()
    write_networks: tuple[str, ...] = ()
    takes_cross_site_writes: bool = False
    allowed_hosts: tuple[str, ...] = ()
    takes_unprintable: bool = False
    discovery_stale_s: float = 0.0
    https: HttpsSettings = HttpsSettings()
    rates: ClientRates = UNLIMITED
    wait_default_s: float = WAIT_DEFAULT_S
    wait_s_max: float = WAIT_MAX_S
    connections_max: int = BLOCKED_QUERIES_MAX + 10_000
    connections_per_client_max: int = 200
    kv_value_bytes_max: int = KV_VALUE_BYTES_MAX
    txn_bytes_max: int = KV_VALUE_BYTES_MAX
    body_bytes_max: int = BODY_BYTES_MAX
    snapshot_bytes_max: int = ARCHIVE_BYTES_MAX
    request_line_bytes_max: int = 64 * 1024
    header_bytes_max: int = 32 * 1024
    headers_max: int = 100
    head_s_max: float = 10.0
    body_s_max: float = 30.0
    idle_s_max: float = 900.0
    unread_s_max: float = 30.0
    unread_bytes_min: int = 16 * 1024
    ended_s_max: float = 1.0
    drain_s_max: float = 0.5
    answers_max: int = 4096
    answers_bytes_max: int = 64 * 1024 * 1024
    heads_max: int = 8192
