"""From a path and method to an endpoint, as Go's `ServeMux` does it in Consul.

A route whose path ends in a slash takes everything below it; the longest matching one wins. Unclean paths (`//`,
`..`) and a subtree's name without its slash are redirected; a known path with another method gives 405 and `Allow`.
Source: the Go documentation of `net/http.ServeMux`; answers compared with Consul 1.8.7.
"""

from __future__ import annotations

import html
import posixpath
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from lictor_agent.http.encoding import Answer
from lictor_agent.http.requests import Request
from lictor_agent.http.site import Site
from lictor_core.errors import MethodError
from lictor_core.keys import bytes_of

__all__ = ["Endpoint", "Route", "Router", "answer_redirect"]

Endpoint = Callable[[Site, Request], Awaitable[Answer]]

_PATH_SAFE: Final = "/$&+,:;=@"  # what Go's URL.EscapedPath leaves as it is
_HTML: Final = ("Content-Type", "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Route:
    """A path and what answers each method on it. The order of `endpoints` is that of the `Allow` header."""

    path: str
    endpoints: Mapping[str, Endpoint]

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods, `OPTIONS` first as Consul lists them."""
        return ("OPTIONS", *self.endpoints)

    def endpoint(self, method: str) -> Endpoint:
        """What answers `method`. Raises `MethodError`."""
        found = self.endpoints.get(method)
        if found is None:
            raise MethodError(method, self.allowed)
        return found


class Router:
    """The table of routes, made once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[str, Route] = {}
        for route in routes:
            assert route.path not in self._routes, f"two routes for {route.path}"
            self._routes[route.path] = route

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route, in the order of the table."""
        return tuple(self._routes.values())

    def find(self, path: str) -> tuple[Route, str] | None:
        """The route of a clean path and what of the path follows the route's own; None when there is none."""
        route = self._routes.get(path)
        if route is not None:
            return route, ""
        end = len(path)
        while (end := path.rfind("/", 0, end)) >= 0:
            route = self._routes.get(path[: end + 1])
            if route is not None:
                return route, path[end + 1 :]
        return None

    def redirect(self, path: str) -> str | None:
        """Where a request for `path` belongs instead, if elsewhere: cleaned, or with the slash of a subtree."""
        cleaned = _clean(path)
        if cleaned not in self._routes and f"{cleaned}/" in self._routes:
            return f"{cleaned}/"
        return None if cleaned == path else cleaned


def answer_redirect(location: str, query: str, method: str) -> Answer:
    """A permanent redirect; only a GET shows the page that says so."""
    target = quote(bytes_of(location), safe=_PATH_SAFE) + (f"?{query}" if query else "")
    page = f'<a href="{html.escape(target)}">Moved Permanently</a>.\n\n'.encode() if method == "GET" else b""
    headers: tuple[tuple[str, str], ...] = (("Location", target),)
    if method in ("GET", "HEAD"):
        headers = (_HTML, *headers)
    return Answer(status=301, headers=headers, body=page, is_endpoint=False)


def _clean(path: str) -> str:
    if "//" not in path and "/." not in path:
        return path
    cleaned = posixpath.normpath(path)
    if cleaned.startswith("//"):
        cleaned = cleaned[1:]
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned
