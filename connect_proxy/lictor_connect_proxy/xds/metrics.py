"""What an Envoy counts, under which tags, and who gets it. Pure.

Consul's tags take the parts of its cluster names apart; without them the names of figures hold the trust domain.
Sources: Consul 1.8.7, `consul connect envoy -bootstrap`; its document `docs/connect/proxies/envoy`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import urlsplit

from lictor_core.errors import ConfigurationError
from lictor_core.limits import PORT_MAX
from lictor_core.records import JsonObject

__all__ = ["TAGS_MAX", "metrics_listeners", "stats_config", "stats_sinks", "text_at"]

TAGS_MAX: Final = 64
"""Of `envoy_stats_tags`."""
_TYPE: Final = "type.googleapis.com/"
_PART: Final = r"[^.]+"
_HASH: Final = r"(?:[^.]+~)?"
_SUBSET: Final = r"(?:[^.]+\.)?"
_END: Final = r"\.consul\."


def _tag(name: str, before: str, wanted: str, after: str) -> JsonObject:
    """A tag of clusters: the whole name goes from the figure's, the part in the inner group is the value."""
    return {"tag_name": f"consul.{name}", "regex": rf"^cluster\.({before}{wanted}{after}{_END})"}


def _parts(count: int) -> str:
    return r"\.".join([_PART] * count)


_TAGS: Final[tuple[JsonObject, ...]] = (
    _tag("custom_hash", "", r"(?:([^.]+)~)?", _SUBSET + _parts(5)),
    _tag("service_subset", _HASH, r"(?:([^.]+)\.)?", _parts(5)),
    _tag("service", _HASH + _SUBSET, r"([^.]+)", r"\." + _parts(4)),
    _tag("namespace", _HASH + _SUBSET + _parts(1) + r"\.", r"([^.]+)", r"\." + _parts(3)),
    _tag("datacenter", _HASH + _SUBSET + _parts(2) + r"\.", r"([^.]+)", r"\." + _parts(2)),
    _tag("routing_type", _HASH + _SUBSET + _parts(3) + r"\.", r"([^.]+)", r"\." + _parts(1)),
    _tag("trust_domain", _HASH + _SUBSET + _parts(4) + r"\.", r"([^.]+)", ""),
    _tag("target", "", "(" + _HASH + _SUBSET + _parts(3) + ")", r"\." + _parts(2)),
    _tag("full_target", "", "(" + _HASH + _SUBSET + _parts(5) + ")", ""),
)


def stats_config(config: JsonObject, cluster: str) -> JsonObject:
    """The tags: Consul's, those of `envoy_stats_tags` (`name=value`), and whose Envoy it is."""
    given = config.get("envoy_stats_tags", [])
    if not isinstance(given, list):
        raise ConfigurationError("envoy_stats_tags must be a list of texts such as name=value")
    texts = [str(one) for one in cast(list[object], given)]
    if len(texts) > TAGS_MAX:
        raise ConfigurationError(f"envoy_stats_tags has {len(texts)} tags; {TAGS_MAX} are taken")
    pairs = [text.partition("=") for text in texts]
    # As with Consul, a tag without a value is a flag.
    own: list[JsonObject] = [
        {"tag_name": name, "fixed_value": value if separator else "1"} for name, separator, value in pairs
    ]
    tags = [*_TAGS, *own, {"tag_name": "local_cluster", "fixed_value": cluster}]
    return {"stats_tags": tags, "use_all_default_tags": True}


def stats_sinks(config: JsonObject, environment: Mapping[str, str]) -> list[JsonObject]:
    """Where figures are sent: `envoy_statsd_url`, `envoy_dogstatsd_url`, or the variables that they name (`$URL`)."""
    sinks: list[JsonObject] = []
    for key, name, message, takes_unix in (
        ("envoy_statsd_url", "envoy.stat_sinks.statsd", "StatsdSink", False),
        ("envoy_dogstatsd_url", "envoy.stat_sinks.dog_statsd", "DogStatsdSink", True),
    ):
        url = text_at(config, key)
        if url.startswith("$"):
            variable = url[1:]
            url = environment.get(variable, "")
            if not url:
                raise ConfigurationError(f"{key} names the environment variable {variable}, which is not set")
        if url:
            typed: JsonObject = {
                "@type": f"{_TYPE}envoy.config.metrics.v3.{message}",
                "address": _sink_address(key, url, takes_unix=takes_unix),
            }
            sinks.append({"name": name, "typed_config": typed})
    return sinks


def metrics_listeners(config: JsonObject, admin_cluster: str) -> tuple[list[JsonObject], bool]:
    """Listeners that show figures and nothing else of the admin API, and whether `admin_cluster` is needed for them."""
    listeners: list[JsonObject] = []
    for key, name, match, rewrite in (
        ("envoy_prometheus_bind_addr", "envoy_prometheus_metrics", {"path": "/metrics"}, "/stats/prometheus"),
        ("envoy_stats_bind_addr", "envoy_metrics", {"prefix": "/stats"}, "/stats"),
    ):
        if text := text_at(config, key):
            host, port = _host_port(key, text)
            listeners.append(_listener(name, host, port, dict(match), rewrite, admin_cluster))
    return listeners, bool(listeners)


def text_at(config: JsonObject, key: str) -> str:
    """The text of a key; empty without it. Raises `ConfigurationError` for what is none."""
    value = config.get(key, "")
    if not isinstance(value, str):
        raise ConfigurationError(f"{key} must be a text, and is {type(value).__name__}; correct the proxy's config")
    return value


def _listener(name: str, host: str, port: int, match: JsonObject, rewrite: str, cluster: str) -> JsonObject:
    routes: list[JsonObject] = [
        {"match": match, "route": {"cluster": cluster, "prefix_rewrite": rewrite}},
        {"match": {"prefix": "/"}, "direct_response": {"status": 404}},
    ]
    router: JsonObject = {"@type": f"{_TYPE}envoy.extensions.filters.http.router.v3.Router"}
    manager: JsonObject = {
        "@type": f"{_TYPE}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "HTTP1",
        # Else `/stats/../quitquitquit` would be as good as `/stats`.
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "route_config": {
            "name": "self_admin_route",
            "virtual_hosts": [{"name": "self_admin", "domains": ["*"], "routes": routes}],
        },
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    return {
        "name": f"{name}_listener",
        "address": {"socket_address": {"address": host, "port_value": port}},
        "enable_reuse_port": False,  # else two Envoys would share the port without a word
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _sink_address(key: str, url: str, *, takes_unix: bool) -> JsonObject:
    parts = urlsplit(url)
    if parts.scheme == "unix" and takes_unix:
        return {"pipe": {"path": parts.path}}
    if parts.scheme != "udp":
        known = "udp:// or unix://" if takes_unix else "udp://"
        raise ConfigurationError(f"{key}: {url!r} does not begin with {known}, which is all that Envoy speaks there")
    host, port = _host_port(key, parts.netloc)
    return {"socket_address": {"protocol": "UDP", "address": host, "port_value": port}}


def _host_port(key: str, text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not re.fullmatch(r"\d{1,5}", port) or not 0 < int(port) <= PORT_MAX:
        raise ConfigurationError(f"{key}: {text!r} is not ip:port with a port from 1 to {PORT_MAX}")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ConfigurationError(f"{key}: {host!r} is no IP address, and Envoy looks up no names there") from None
    return host, int(port)
