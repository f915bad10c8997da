"""What is told in figures of a request: how long it took, and for the catalog's endpoints how it went.

Names are Consul's (its document `docs/agent/telemetry`). Requests that are answered from kept bytes are not told here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from lictor_core.clock import Clock
from lictor_core.metrics import Labels, Meter

__all__ = ["RequestFigures"]

_METRICS_MAX: Final = 512
_MS_PER_S: Final = 1000.0
_CATALOG: Final = {
    ("PUT", "/v1/catalog/register"): "catalog_register",
    ("PUT", "/v1/catalog/deregister"): "catalog_deregister",
    ("GET", "/v1/catalog/datacenters"): "catalog_datacenters",
    ("GET", "/v1/catalog/nodes"): "catalog_nodes",
    ("GET", "/v1/catalog/services"): "catalog_services",
    ("GET", "/v1/catalog/service/"): "catalog_service_nodes",
    ("GET", "/v1/catalog/connect/"): "catalog_connect_service_nodes",
    ("GET", "/v1/catalog/node/"): "catalog_node_services",
    ("GET", "/v1/catalog/node-services/"): "catalog_node_service_list",
    ("GET", "/v1/catalog/gateway-services/"): "catalog_gateway_services",
}
"""Endpoints whose requests, successes and failures are counted, by method and the path of their route."""


class RequestFigures:
    """Tells a meter of the requests of one agent, whose name is a label of counts."""

    def __init__(self, meter: Meter, clock: Clock, node_name: str) -> None:
        self._meter = meter
        self._clock = clock
        self._labels: Labels = (("node", node_name),)

    def note(self, method: str, path: str, began: float, *, answered: bool, failed: bool) -> None:
        """A request for the route at `path` that began at `began` (monotonic, seconds) is over.

        `answered`: the endpoint gave its answer; `failed`: what stands behind the agent could not, or would not.
        """
        meter = self._meter
        meter.sample(_metric(method, path), (self._clock.monotonic() - began) * _MS_PER_S)
        name = _CATALOG.get((method, path))
        if name is None:
            return
        meter.count(f"client.api.{name}", self._labels)
        if answered:
            meter.count(f"client.api.success.{name}", self._labels)
        elif failed:
            meter.count(f"client.rpc.error.{name}", self._labels)


@lru_cache(maxsize=_METRICS_MAX)
def _metric(method: str, path: str) -> str:
    """The name of a route's figures, as Consul's: `http.GET.v1.kv._` for what is below `/v1/kv/`."""
    return f"http.{method}" + ".".join(part or "_" for part in path.split("/"))[1:]
