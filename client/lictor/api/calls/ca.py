"""The certificate authority: `/v1/connect/ca`. Source: Consul's document `api-docs/connect/ca`."""

from __future__ import annotations

from collections.abc import Mapping

from lictor.api.messages import Call, Options, json_call, none_call
from lictor_core.ca_status import CAStatus
from lictor_core.records import CARoots, JsonObject

__all__ = ["configuration", "configure", "roots", "status"]


def roots(options: Options | None = None) -> Call[CARoots]:
    """The roots that leaves may chain to."""
    return json_call(CARoots, "/v1/connect/ca/roots", options)


def status() -> Call[CAStatus]:
    """How long the certificates of the mesh still live, and what is replaced when. Lictor's own."""
    return json_call(CAStatus, "/v1/connect/ca/status")


def configuration() -> Call[JsonObject]:
    """The settings of the CA."""
    return json_call(JsonObject, "/v1/connect/ca/configuration")


def configure(settings: Mapping[str, object]) -> Call[None]:
    """Change the settings of the CA."""
    return none_call("PUT", "/v1/connect/ca/configuration", body=dict(settings))
