"""The body of a session: read with Consul's defaults, made into a record. Pure but for reading the body.

Source: Consul's document `api-docs/session`; what the three lists of checks do together was asked of Consul 1.8.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from lictor_agent.http.bodies import DECODE_FAILED, decode_json
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Request
from lictor_config.reading import Dialect, Reader
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.limits import LOCK_DELAY_DEFAULT_S
from lictor_core.records import ServiceCheckRef, Session, SessionBehavior

__all__ = ["read_body", "read_session"]

_NODE_CHECK: Final = "serfHealth"
_NS: Final = 1_000_000_000
_DELAY_NS_MIN: Final = 1000
"""A number below this in `LockDelay` is one of seconds, as in Consul; otherwise of nanoseconds."""


async def read_body(request: Request, bytes_max: int) -> Reader:
    """The mapping in the body; no body at all is an empty one. Raises a `Refusal`."""
    data = await request.read_body(bytes_max)
    try:
        value = decode_json(data) if data else None
    except RequestError as error:
        raise Refusal(DECODE_FAILED + str(error)) from error
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise Refusal(f"{DECODE_FAILED}json: the body is no object")
    return Reader(cast("Mapping[str, object]", value), dialect=Dialect.HTTP)


def read_session(reader: Reader, *, id: str, own_node: str) -> Session:
    """The session in a mapping, problems noted in the reader. Raises `RequestError` for a behaviour unknown to all."""
    node_checks, checks = _checks(reader)
    behavior = reader.text("Behavior") or SessionBehavior.RELEASE
    if behavior not in (SessionBehavior.RELEASE, SessionBehavior.DELETE):
        raise RequestError(f"Invalid Behavior setting '{behavior}'")
    service_checks = [
        ServiceCheckRef(id=one.text("ID"), namespace=one.text("Namespace")) for one in reader.children("ServiceChecks")
    ]
    return Session(
        id=id,
        name=reader.text("Name"),
        node=reader.text("Node", own_node),
        lock_delay_ns=_lock_delay_ns(reader),
        behavior=SessionBehavior(behavior),
        ttl=reader.text("TTL"),
        node_checks=node_checks,
        service_checks=service_checks if reader.has("ServiceChecks") else None,
        checks=checks,
        create_index=0,
        modify_index=0,
    )


def _checks(reader: Reader) -> tuple[list[str] | None, list[str]]:
    """`NodeChecks` and `Checks`, its older name: an empty list in one of them says that there shall be none of both."""
    checks = list(reader.texts("Checks"))
    node_checks: list[str] | None = list(reader.texts("NodeChecks"))
    if not _names(reader, "NodeChecks"):
        node_checks = [_NODE_CHECK]
    elif not reader.has("NodeChecks"):
        node_checks = None
    if _names(reader, "Checks") and not checks:
        return [], []
    return node_checks, checks if node_checks and checks != [_NODE_CHECK] else []


def _names(reader: Reader, name: str) -> bool:
    """Whether the mapping has the key, be its value null."""
    return any(key.replace("_", "").lower() == name.lower() for key in reader.value)


def _lock_delay_ns(reader: Reader) -> int:
    value = next((one for key, one in reader.value.items() if key.lower() == "lockdelay"), None)
    match value:
        case None:
            return int(LOCK_DELAY_DEFAULT_S * _NS)
        case str():
            try:
                return round(parse_duration(value) * _NS)
            except RequestError:
                raise Refusal(f'{DECODE_FAILED}time: invalid duration "{value[:64]}"') from None
        case bool():
            pass
        case int() | float() if abs(value) < 2**63:
            return int(value) * _NS if value < _DELAY_NS_MIN else int(value)
        case _:
            pass
    reader.note("LockDelay", "json: cannot unmarshal it into a duration")
    return 0
