"""Intentions: `/v1/connect/intentions`. Source: Consul's document `api-docs/connect/intentions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from lictor.api.enforcing import enforced
from lictor.api.messages import Call, Options, Response, decoded, json_call, list_call, none_call, true_call
from lictor_core.intention_explanations import IntentionExplanation
from lictor_core.proxy_status import Enforcement
from lictor_core.records import Intention, Record

__all__ = [
    "check",
    "create",
    "delete",
    "delete_enforced",
    "delete_exact",
    "explain",
    "get",
    "get_exact",
    "list_all",
    "match",
    "put_enforced",
    "put_exact",
    "update",
]

_EXACT: Final = "/v1/connect/intentions/exact"
_NOT_FOUND: Final = 404


class _Created(Record, frozen=True, kw_only=True):
    id: str = msgspec.field(name="ID")


class _Verdict(Record, frozen=True, kw_only=True):
    allowed: bool


def list_all(options: Options | None = None) -> Call[list[Intention]]:
    """All intentions, highest precedence first."""
    return list_call(list[Intention], "/v1/connect/intentions", options)


def get(intention_id: str, options: Options | None = None) -> Call[Intention]:
    """One intention by its id."""
    return json_call(Intention, f"/v1/connect/intentions/{intention_id}", options)


def create(intention: Mapping[str, object]) -> Call[str]:
    """Create an intention from the keys of Consul's API; returns its id."""
    made = json_call(_Created, "/v1/connect/intentions", method="POST", body=dict(intention))
    return Call(request=made.request, read=lambda response: made.read(response).id)


def update(intention_id: str, intention: Mapping[str, object]) -> Call[None]:
    """Replace an intention."""
    return none_call("PUT", f"/v1/connect/intentions/{intention_id}", body=dict(intention))


def delete(intention_id: str) -> Call[None]:
    """Delete an intention."""
    return none_call("DELETE", f"/v1/connect/intentions/{intention_id}")


def get_exact(source: str, destination: str, options: Options | None = None) -> Call[Intention | None]:
    """The intention of exactly these two names; None when there is none."""
    pair = (("source", source), ("destination", destination))
    found = json_call(Intention, _EXACT, options, *pair)

    def read(response: Response) -> Intention | None:
        return None if response.status == _NOT_FOUND else found.read(response)

    return Call(request=found.request, read=read)


def put_exact(source: str, destination: str, intention: Mapping[str, object]) -> Call[bool]:
    """Write the intention of these two names, whether or not there was one: `Action`, `Description`, `Meta`."""
    return true_call("PUT", _EXACT, ("source", source), ("destination", destination), body=dict(intention))


def delete_exact(source: str, destination: str) -> Call[None]:
    """Delete the intention of these two names; one that is not there is no error."""
    return none_call("DELETE", _EXACT, ("source", source), ("destination", destination))


def match(name: str, *, by: str = "destination", options: Options | None = None) -> Call[list[Intention]]:
    """The intentions that could decide for a service as `source` or `destination`, in deciding order."""

    def read(response: Response) -> list[Intention]:
        response.check()
        return decoded(response, dict[str, list[Intention] | None]).get(name) or []

    base = none_call("GET", "/v1/connect/intentions/match", ("by", by), ("name", name), options=options)
    return Call(request=base.request, read=read)


def check(source: str, destination: str, options: Options | None = None) -> Call[bool]:
    """Whether a connection from `source` to `destination` would be allowed."""
    base = json_call(
        _Verdict,
        "/v1/connect/intentions/check",
        options,
        ("source", source),
        ("destination", destination),
        ("source-type", "consul"),
    )
    return Call(request=base.request, read=lambda response: base.read(response).allowed)


def put_enforced(source: str, destination: str, intention: Mapping[str, object], *, wait_s: float) -> Call[Enforcement]:
    """Write the intention of these two names, as `put_exact`, and wait until proxies judge by it."""
    return enforced(put_exact(source, destination, intention), wait_s)


def delete_enforced(source: str, destination: str, *, wait_s: float) -> Call[Enforcement]:
    """Delete the intention of these two names, as `delete_exact`, and wait until no proxy judges by it."""
    return enforced(delete_exact(source, destination), wait_s)


def explain(
    source: str,
    destination: str,
    *,
    method: str = "",
    path: str = "",
    headers: Sequence[str] = (),
    tokens: Sequence[str] = (),
    options: Options | None = None,
) -> Call[IntentionExplanation]:
    """Why a connection may pass or not; with a method, path, header (`name:value`) or valid token (`provider`, or
    `provider=` and its claims as JSON) why such a request may. Consul has no such thing.
    """
    return json_call(
        IntentionExplanation,
        "/v1/internal/intentions/explain",
        options,
        ("source", source),
        ("destination", destination),
        ("method", method),
        ("path", path),
        *(("header", one) for one in headers),
        *(("jwt", one) for one in tokens),
    )
