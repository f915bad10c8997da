"""What a figure is called outside of the process, and whether anybody wants it. Pure.

Source: Consul's document `docs/agent/options`, section `telemetry`; what it says of gauges was asked of Consul 1.8.7.
"""

from __future__ import annotations

from lictor_config.sections import Telemetry
from lictor_core.metrics import Gauge

__all__ = ["gauge_name", "is_wanted", "named_gauges", "told_name"]


def told_name(telemetry: Telemetry, name: str) -> str:
    """The name of what was counted or sampled."""
    return f"{telemetry.metrics_prefix}.{name}"


def gauge_name(telemetry: Telemetry, name: str, host: str) -> str:
    """The name of a gauge: with the host's, unless that is switched off."""
    return told_name(telemetry, name if telemetry.disable_hostname else f"{host}.{name}")


def named_gauges(telemetry: Telemetry, gauges: list[Gauge], host: str) -> list[Gauge]:
    """The gauges that are wanted, by their names outside."""
    named = [one._replace(name=gauge_name(telemetry, one.name, host)) for one in gauges]
    return [one for one in named if is_wanted(telemetry, one.name)]


def is_wanted(telemetry: Telemetry, name: str) -> bool:
    """Whether the rules let a metric through: the longest prefix that fits decides."""
    rules = [(rule[1:], rule.startswith("+")) for rule in telemetry.prefix_filter if rule.startswith(("+", "-"))]
    fitting = [(len(prefix), allows) for prefix, allows in rules if name.startswith(prefix)]
    return max(fitting)[1] if fitting else telemetry.filter_default
