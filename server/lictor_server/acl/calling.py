"""Judging calls that neither read nor write records: by the tokens of one store."""

from __future__ import annotations

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.rules import Access, Resource
from lictor_core.proxy_status import ProxyPolicy
from lictor_server.acl.callers import Callers
from lictor_server.acl.needs_of_calls import NEEDS_OF_CALLS
from lictor_server.state import Store

__all__ = ["CallJudge"]


class CallJudge:
    """Raises `PermissionDeniedError` for what a token does not allow."""

    def __init__(self, store: Store, callers: Callers) -> None:
        self._store = store
        self._callers = callers

    def require(self, method: str, token: str, name: str = "") -> None:
        """What `method` needs, which names `name`."""
        need = NEEDS_OF_CALLS[method]
        assert need.resource is not None, f"{method} is judged by something else: {need.said}"
        self._judge(token).require(need.resource, name, need.access)

    def require_leaf(self, token: str, *, service: str, node: str) -> None:
        """To have a leaf signed: for `service`, or for the agent on `node` when that is empty."""
        resource, name = (Resource.SERVICE, service) if service else (Resource.NODE, node)
        self._judge(token).require(resource, name, Access.WRITE)

    def require_session(self, token: str, session_id: str) -> None:
        """To renew a session; one that is not there needs nothing."""
        judge, session = self._judge(token), self._store.sessions.get(session_id)
        if session is not None:
            judge.require(Resource.SESSION, session.node, Access.WRITE)

    def proxies_seen(self, token: str, rows: list[ProxyPolicy]) -> list[ProxyPolicy]:
        """The proxies of services that may be read."""
        judge = self._judge(token)
        return [one for one in rows if judge.allows(Resource.SERVICE, one.service)] if judge.scope else rows

    def _judge(self, token: str) -> Authorizer:
        return self._callers.caller(token).authorizer
