"""How many requests the proxy of an instance lets pass; the others are answered with 429."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_connect_proxy.xds.builders.settings import mapping
from lictor_connect_proxy.xds.forms import any_of
from lictor_core.entries.traffic import InstanceRate, RateLimits, RequestRate
from lictor_core.records import JsonObject

__all__ = ["RATE_FILTER", "idle_rate_filter", "instance_rates", "no_rate", "rate_of"]

RATE_FILTER: Final = "envoy.filters.http.local_ratelimit"
_RATE: Final = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_ALWAYS: Final[JsonObject] = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
_NEVER: Final[JsonObject] = {"default_value": {"numerator": 0, "denominator": "HUNDRED"}}


def instance_rates(config: JsonObject) -> InstanceRate:
    """The limits that a proxy's configuration names; no limits where it names none."""
    try:
        return msgspec.convert(mapping(config, "rate_limits"), RateLimits).instance_level
    except msgspec.ValidationError:
        return InstanceRate()


def idle_rate_filter() -> JsonObject:
    """The filter, without any limit: routes have them, so that a limit changes no listener."""
    return any_of(_RATE, stat_prefix="rate_limit")


def no_rate() -> JsonObject:
    """The filter's configuration for a route that has no limit while others have one."""
    bucket: JsonObject = {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "1s"}
    return any_of(_RATE, stat_prefix="rate_limit", token_bucket=bucket, filter_enabled=_NEVER)


def rate_of(rate: RequestRate) -> JsonObject | None:
    """The filter's configuration for a route; None where there is no limit."""
    if not rate.requests_per_second:
        return None
    bucket: JsonObject = {
        "max_tokens": rate.requests_max_burst or rate.requests_per_second,
        "tokens_per_fill": rate.requests_per_second,
        "fill_interval": "1s",
    }
    return any_of(_RATE, stat_prefix="rate_limit", token_bucket=bucket, filter_enabled=_ALWAYS, filter_enforced=_ALWAYS)
