"""Sessions: `/v1/session`. Source: Consul's document `api-docs/session`."""

from __future__ import annotations

from lictor.api.errors import AgentError
from lictor.api.messages import Call, Options, Request, Response, decoded_list, json_call, list_call, none_call
from lictor_core.durations import format_duration
from lictor_core.records import JsonObject, Session, SessionBehavior

__all__ = ["create", "destroy", "info", "node", "renew", "sessions"]

_NOT_FOUND = 404


def create(
    *,
    name: str = "",
    node: str = "",
    ttl_s: float = 0.0,
    lock_delay_s: float | None = None,
    behavior: SessionBehavior = SessionBehavior.RELEASE,
    node_checks: list[str] | None = None,
    service_checks: list[str] | None = None,
    dc: str = "",
) -> Call[str]:
    """Begin a session; the answer is its id. What is not given is as the agent has it by default."""
    wanted: JsonObject = {"Behavior": behavior.value}
    if name:
        wanted["Name"] = name
    if node:
        wanted["Node"] = node
    if ttl_s:
        wanted["TTL"] = format_duration(ttl_s)
    if lock_delay_s is not None:
        wanted["LockDelay"] = format_duration(lock_delay_s)
    if node_checks is not None:
        wanted["NodeChecks"] = node_checks
    if service_checks is not None:
        wanted["ServiceChecks"] = [{"ID": one} for one in service_checks]
    made = json_call(dict[str, str], "/v1/session/create", None, ("dc", dc), method="PUT", body=wanted)
    return Call(request=made.request, read=lambda response: made.read(response)["ID"])


def destroy(session_id: str, *, dc: str = "") -> Call[None]:
    """End a session; one that is gone already is no error."""
    return none_call("PUT", f"/v1/session/destroy/{session_id}", ("dc", dc))


def renew(session_id: str, *, dc: str = "") -> Call[Session | None]:
    """Begin the TTL of a session anew; None when there is no such session any more."""

    def read(response: Response) -> Session | None:
        response.check(_NOT_FOUND)
        if response.status != _NOT_FOUND:
            return next(iter(decoded_list(response, list[Session])), None)
        if b"not found" not in response.body:  # no agent's word on the session, but of something in between
            raise AgentError(response.status, response.body.decode(errors="replace").strip())
        return None

    parameters = (("dc", dc),) if dc else ()
    return Call(request=Request(method="PUT", path=f"/v1/session/renew/{session_id}", parameters=parameters), read=read)


def info(session_id: str, options: Options | None = None) -> Call[Session | None]:
    """One session; None when there is none."""
    found = list_call(list[Session], f"/v1/session/info/{session_id}", options)
    return Call(request=found.request, read=lambda response: next(iter(found.read(response)), None))


def node(name: str, options: Options | None = None) -> Call[list[Session]]:
    """The sessions of a node."""
    return list_call(list[Session], f"/v1/session/node/{name}", options)


def sessions(options: Options | None = None) -> Call[list[Session]]:
    """All sessions."""
    return list_call(list[Session], "/v1/session/list", options)
