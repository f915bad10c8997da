"""Namespaces, which there are none of: who names one where Consul's other edition has them is told so.

Elsewhere the name is overlooked, as any parameter that means nothing. Which paths know of namespaces was asked of
Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Parameters

__all__ = ["refuse_namespace"]

_KNOWING: Final = (
    "/v1/acl/",
    "/v1/agent/check",
    "/v1/agent/connect/authorize",
    "/v1/agent/connect/ca/leaf/",
    "/v1/agent/health/",
    "/v1/agent/service",
    "/v1/catalog/connect/",
    "/v1/catalog/deregister",
    "/v1/catalog/gateway-services/",
    "/v1/catalog/node-services/",
    "/v1/catalog/node/",
    "/v1/catalog/register",
    "/v1/catalog/service",
    "/v1/config",
    "/v1/discovery-chain/",
    "/v1/health/",
    "/v1/internal/",
    "/v1/kv/",
    "/v1/session/",
)
_REASON: Final = "Namespaces are a Consul Enterprise feature"


def refuse_namespace(path: str, parameters: Parameters, headers: Mapping[str, str]) -> None:
    """Raise a `Refusal` when a namespace is named on a path that would know of it."""
    if parameters.get("ns") and path.startswith(_KNOWING):
        raise Refusal(f'Bad request: Invalid query parameter: "ns" - {_REASON}')
    if headers.get("X-Consul-Namespace") and path.startswith(_KNOWING):
        raise Refusal(f'Bad request: Invalid header: "X-Consul-Namespace" - {_REASON}')
