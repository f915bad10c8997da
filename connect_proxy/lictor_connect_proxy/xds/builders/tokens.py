"""Tokens of requests: the filter that verifies them, and what it leaves behind for the rules.

Every provider that some intention names is looked for in each request; one whose token is missing or wrong leaves
nothing, and the request goes on: whether it may is the rules' to say. So one filter serves all routes and all sources.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final, cast
from urllib.parse import urlsplit

from lictor_connect_proxy.xds.builders.settings import duration, integer, mapping, milliseconds, text
from lictor_connect_proxy.xds.forms import lasting, named_any, socket_address
from lictor_connect_proxy.xds.predicates import token_header, token_payload
from lictor_core.intentions import Rule
from lictor_core.records import JsonObject

__all__ = ["key_clusters", "token_filter", "tokens_by_reference"]

_JWT: Final = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"
_FETCH_S: Final = 1.0
"""Until the keys have come, where the provider does not say; Envoy's default."""
_CONNECT_S: Final = 5.0
_SYSTEM_ROOTS: Final = "/etc/ssl/certs/ca-certificates.crt"
"""On the host of the proxy, where the provider names no CA: Envoy has no word for the system's own."""


def tokens_by_reference(name: str) -> JsonObject:
    """The filter in a listener: its configuration comes apart, so that a provider changes no listener."""
    source: JsonObject = {"ads": {}, "resource_api_version": "V3"}
    types = [f"type.googleapis.com/{_JWT}"]
    return {"name": name, "config_discovery": {"config_source": source, "type_urls": types}}


def token_filter(name: str, rules: Iterable[Rule], providers: Mapping[str, JsonObject]) -> JsonObject:
    """The filter's configuration. A provider that is not known verifies nothing, so no demand on it is ever met."""
    found = {provider: _provider(provider, providers[provider]) for provider in _needed(rules, providers)}
    if not found:
        return named_any(name, _JWT)
    either = [_if_there(provider) for provider in found]
    requires: JsonObject = either[0] if len(either) == 1 else {"requires_all": {"requirements": either}}
    always: list[JsonObject] = [{"match": {"prefix": "/"}, "requires": requires}]
    return named_any(name, _JWT, providers=found, rules=always)


def key_clusters(rules: Iterable[Rule], providers: Mapping[str, JsonObject]) -> list[JsonObject]:
    """Clusters for the keys that are elsewhere."""
    found: list[JsonObject] = []
    for name in _needed(rules, providers):
        remote = mapping(mapping(providers[name], "JSONWebKeySet"), "Remote")
        if remote:
            found.append(_key_cluster(name, remote))
    return found


def _if_there(provider: str) -> JsonObject:
    needs: list[JsonObject] = [{"provider_name": provider}, {"allow_missing_or_failed": {}}]
    return {"requires_any": {"requirements": needs}}


def _needed(rules: Iterable[Rule], providers: Mapping[str, JsonObject]) -> list[str]:
    named: set[str] = set()
    for rule in rules:
        for jwt in (rule.jwt, *(one.jwt for one in rule.permissions)):
            named.update(one.name for one in (() if jwt is None else jwt.providers))
    return sorted(one for one in named if one in providers)


def _provider(name: str, entry: JsonObject) -> JsonObject:
    found: JsonObject = {
        "payload_in_metadata": token_payload(name),
        "header_in_metadata": token_header(name),
        **_keys(name, mapping(entry, "JSONWebKeySet")),
        **_places(entry),
    }
    if issuer := text(entry, "Issuer"):
        found["issuer"] = issuer
    if audiences := [one for one in _items(entry, "Audiences") if isinstance(one, str)]:
        found["audiences"] = audiences
    if skew := integer(entry, "ClockSkewSeconds"):
        found["clock_skew_seconds"] = skew
    forwarding = mapping(entry, "Forwarding")
    if header := text(forwarding, "HeaderName"):
        found["forward_payload_header"] = header
        if forwarding.get("PadForwardPayloadHeader") is True:
            found["pad_forward_payload_header"] = True
    if size := integer(mapping(entry, "CacheConfig"), "Size"):
        found["jwt_cache_config"] = {"jwt_cache_size": size}
    return found


def _keys(name: str, keys: JsonObject) -> JsonObject:
    local, remote = mapping(keys, "Local"), mapping(keys, "Remote")
    if filename := text(local, "Filename"):
        return {"local_jwks": {"filename": filename}}
    if written := text(local, "JWKS"):
        return {"local_jwks": {"inline_string": _from_base64(written)}}
    fetched: JsonObject = {
        "http_uri": {
            "uri": text(remote, "URI"),
            "cluster": _key_cluster_name(name),
            "timeout": lasting(milliseconds(remote, "RequestTimeoutMs") or _FETCH_S),
        },
        "async_fetch": {"fast_listener": remote.get("FetchAsynchronously") is True},
    }
    if kept_s := duration(remote, "CacheDuration"):
        fetched["cache_duration"] = lasting(kept_s)
    if retry := _retry(mapping(remote, "RetryPolicy")):
        fetched["retry_policy"] = retry
    return {"remote_jwks": fetched}


def _retry(policy: JsonObject) -> JsonObject:
    found: JsonObject = {}
    if retries := integer(policy, "NumRetries"):
        found["num_retries"] = retries
    backoff = mapping(policy, "RetryPolicyBackOff")
    base, longest = duration(backoff, "BaseInterval"), duration(backoff, "MaxInterval")
    if base:
        found["retry_back_off"] = {"base_interval": lasting(base)} | (
            {"max_interval": lasting(longest)} if longest >= base else {}
        )
    return found


def _places(entry: JsonObject) -> JsonObject:
    """Where tokens are looked for; where nothing is said, Envoy looks at `Authorization` and `access_token`."""
    headers: list[JsonObject] = []
    parameters: list[str] = []
    cookies: list[str] = []
    forward = False
    for one in _items(entry, "Locations"):
        place = cast(JsonObject, one) if isinstance(one, dict) else {}
        header = mapping(place, "Header")
        if name := text(header, "Name"):
            prefix = text(header, "ValuePrefix")
            headers.append({"name": name, "value_prefix": f"{prefix} "} if prefix else {"name": name})
            forward = forward or header.get("Forward") is True
        if name := text(mapping(place, "QueryParam"), "Name"):
            parameters.append(name)
        if name := text(mapping(place, "Cookie"), "Name"):
            cookies.append(name)
    found: JsonObject = {"from_headers": headers, "from_params": parameters, "from_cookies": cookies}
    kept = {key: value for key, value in found.items() if value}
    return kept | {"forward": True} if forward else kept


def _key_cluster_name(provider: str) -> str:
    return f"jwks_cluster_{provider}"


def _key_cluster(name: str, remote: JsonObject) -> JsonObject:
    uri = urlsplit(text(remote, "URI"))
    is_secure = uri.scheme == "https"
    host = uri.hostname or ""
    wanted = mapping(remote, "JWKSCluster")
    cluster: JsonObject = {
        "name": _key_cluster_name(name),
        "type": text(wanted, "DiscoveryType").upper() or "STRICT_DNS",
        "connect_timeout": lasting(duration(wanted, "ConnectTimeout") or _CONNECT_S),
        "load_assignment": {
            "cluster_name": _key_cluster_name(name),
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": socket_address(host, _port(uri.netloc, is_secure))}}]}
            ],
        },
    }
    if is_secure:
        cluster["transport_socket"] = _key_tls(host, mapping(wanted, "TLSCertificates"))
    return cluster


def _port(netloc: str, is_secure: bool) -> int:
    try:
        port = urlsplit(f"//{netloc}").port
    except ValueError:
        port = None
    return port or (443 if is_secure else 80)


def _key_tls(host: str, certificates: Mapping[str, object]) -> JsonObject:
    trusted = mapping(certificates, "TrustedCA")
    sources = {
        "filename": text(trusted, "Filename"),
        "environment_variable": text(trusted, "EnvironmentVariable"),
        "inline_string": text(trusted, "InlineString"),
        "inline_bytes": text(trusted, "InlineBytes"),
    }
    source = next(({kind: value} for kind, value in sources.items() if value), {"filename": _SYSTEM_ROOTS})
    context: JsonObject = {
        "trusted_ca": source,
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": host}}],
    }
    return named_any(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni=host,
        common_tls_context={"validation_context": context},
    )


def _from_base64(written: str) -> str:
    try:
        return base64.b64decode(written, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return written


def _items(entry: JsonObject, key: str) -> list[object]:
    value = entry.get(key)
    return cast("list[object]", value) if isinstance(value, list) else []
