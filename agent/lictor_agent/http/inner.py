"""The HTTP API asked from inside: as any client would ask, without a socket. For the agent's own watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlencode

from lictor_agent.http.errors import answer_error
from lictor_agent.http.requests import Parameters, Request
from lictor_agent.http.router import Router
from lictor_agent.http.site import Site
from lictor_agent.watches.runner import Reply
from lictor_core.errors import LictorError

__all__ = ["Inner"]


class Inner:
    """Reads of the API by path."""

    def __init__(self, site: Site, router: Router) -> None:
        self._site = site
        self._router = router

    async def get(self, path: str, parameters: Sequence[tuple[str, str]], token: str) -> Reply:
        """What `GET path` answers."""
        found = self._router.find(path)
        if found is None:
            return Reply(404, {}, b"there is no such endpoint")
        route, tail = found
        request = Request(
            method="GET",
            path=path,
            tail=tail,
            parameters=Parameters(urlencode(parameters)),
            headers={"X-Consul-Token": token} if token else {},
            read_body=_no_body,
            read_parts=_no_parts,
            client="self",
        )
        try:
            answer = await route.endpoint("GET")(self._site, request)
        except LictorError as error:
            answer = answer_error(error)
        headers = {name.lower(): value for name, value in answer.headers}
        return Reply(answer.status, headers, answer.body if answer.encoded is None else answer.encoded.plain)


async def _no_body(_bytes_max: int) -> bytes:
    return b""


async def _no_parts(_bytes_max: int) -> AsyncIterator[bytes]:
    return
    yield b""
