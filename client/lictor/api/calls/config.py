"""Configuration entries: `/v1/config`. Source: Consul's document `api-docs/config`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lictor.api.enforcing import enforced
from lictor.api.messages import Call, Options, Response, json_call, list_call, none_call, true_call
from lictor_core.proxy_status import Enforcement
from lictor_core.records import JsonObject

__all__ = ["delete", "entries", "get", "put", "put_enforced"]

_NOT_FOUND: Final = 404


def get(kind: str, name: str, options: Options | None = None) -> Call[JsonObject | None]:
    """One entry with the keys of Consul's API; None when there is none."""
    found = json_call(JsonObject, f"/v1/config/{kind}/{name}", options)

    def read(response: Response) -> JsonObject | None:
        return None if response.status == _NOT_FOUND else found.read(response)

    return Call(request=found.request, read=read)


def entries(kind: str, options: Options | None = None) -> Call[list[JsonObject]]:
    """All entries of a kind."""
    return list_call(list[JsonObject], f"/v1/config/{kind}", options)


def put(entry: Mapping[str, object], *, cas: int | None = None, dc: str = "") -> Call[bool]:
    """Write an entry, which has a `Kind` and a `Name`; False when `cas` is not its `ModifyIndex` (0: none is there)."""
    parameters = (("cas", "" if cas is None else str(cas)), ("dc", dc))
    return true_call("PUT", "/v1/config", *parameters, body=dict(entry))


def put_enforced(
    entry: Mapping[str, object], *, wait_s: float, cas: int | None = None, dc: str = ""
) -> Call[Enforcement | None]:
    """Write a service-intentions entry, and wait until the proxies concerned judge by it; None when `cas` lost.

    Consul has no such thing.
    """
    waiting = enforced(put(entry, cas=cas, dc=dc), wait_s)

    def read(response: Response) -> Enforcement | None:
        return None if response.body.strip() == b"false" else waiting.read(response)

    return Call(request=waiting.request, read=read)


def delete(kind: str, name: str, *, cas: int | None = None, dc: str = "") -> Call[bool]:
    """Delete an entry; one that is not there is no error. False when `cas` is not its `ModifyIndex`.

    Consul 1.8 knows no `cas` here and deletes all the same.
    """
    parameters = (("cas", "" if cas is None else str(cas)), ("dc", dc))
    made = none_call("DELETE", f"/v1/config/{kind}/{name}", *parameters)

    def read(response: Response) -> bool:
        response.check()
        return response.body.strip() != b"false"  # without `cas` the answer is an empty mapping

    return Call(request=made.request, read=read)
