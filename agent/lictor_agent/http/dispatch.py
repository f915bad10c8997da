"""From a method and a target to the endpoint that answers, with what stands in the way, in Consul's order. Pure.

A path that cannot be shown, a path elsewhere, an unknown one; then, for paths that are known: a query part that cannot
be read, a blocked endpoint, OPTIONS, a method that is not taken, a network that may not write. Source: Consul 1.8.7.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from lictor_agent.http.access import Access
from lictor_agent.http.encoding import Answer
from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import Parameters
from lictor_agent.http.router import Endpoint, Router, answer_redirect
from lictor_core.keys import shown

__all__ = ["Dispatch", "Found"]

_TEXT: Final = ("Content-Type", "text/plain; charset=utf-8")


class Found(NamedTuple):
    """What answers: the path of its route, what of the request's path follows that, and the parameters."""

    endpoint: Endpoint
    route_path: str
    tail: str
    parameters: Parameters


class Dispatch:
    """The table of routes, and who may not ask what."""

    def __init__(self, router: Router, access: Access, *, takes_unprintable: bool = False) -> None:
        self._router = router
        self._access = access
        self._takes_unprintable = takes_unprintable

    def find(self, method: str, path: str, query: str, client: str) -> Found | Answer:
        """What answers, or the answer where no endpoint is needed. Raises `Refusal` and `MethodError`."""
        if path == "*" and method == "OPTIONS":
            return Answer(is_endpoint=False)  # RFC 9110, section 9.3.7: the server as a whole
        if not (path.isprintable() or shown(path).isprintable() or self._takes_unprintable):
            return Answer(status=400, is_endpoint=False)
        location = self._router.redirect(path)
        if location is not None:
            return answer_redirect(location, query, method)
        found = self._router.find(path)
        if found is None:
            if path == "/":
                return Answer(headers=(_TEXT,), body=b"Lictor Agent", is_endpoint=False)
            return Answer(status=404, is_endpoint=False)
        route, tail = found
        parameters = Parameters(query)
        if (refusal := self._access.blocked(path)) is not None:
            raise Refusal(refusal, status=403)
        if method == "OPTIONS":
            return Answer(headers=(("Allow", ",".join(route.allowed)),))
        endpoint = route.endpoint(method)
        if (refusal := self._access.refusal(method, client)) is not None:
            raise Refusal(refusal, status=403)
        return Found(endpoint, route.path, tail, parameters)
