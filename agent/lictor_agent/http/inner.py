"""The HTTP API asked from inside: as any client would ask, without a socket. For the agent's own watches, and for
data planes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from urllib.parse import urlencode

from lictor_agent.http.errors import answer_error
from lictor_agent.http.requests import Parameters, Request, split_target
from lictor_agent.http.router import Router
from lictor_agent.http.site import Site
from lictor_agent.watches.runner import Reply
from lictor_core.errors import BodyTooLargeError, LictorError

__all__ = ["Inner"]


class Inner:
    """Reads of the API by path."""

    def __init__(self, site: Site, router: Router) -> None:
        self._site = site
        self._router = router

    async def get(self, path: str, parameters: Sequence[tuple[str, str]], token: str) -> Reply:
        """What `GET path` answers."""
        return await self.ask("GET", path, parameters, token)

    async def ask(
        self, method: str, path: str, parameters: Sequence[tuple[str, str]], token: str, body: bytes = b""
    ) -> Reply:
        """What `method path` answers. `path` is as it stands in a request, with its escapes."""
        try:
            clean, _ = split_target(path)
            found = self._router.find(clean)
            if found is None:
                return Reply(404, {}, b"there is no such endpoint")
            route, tail = found
            request = Request(
                method=method,
                path=clean,
                tail=tail,
                parameters=Parameters(urlencode(parameters)),
                headers={"X-Consul-Token": token} if token else {},
                read_body=partial(_given, body),
                read_parts=partial(_given_at_once, body),
                content_length=len(body),
                client="self",
                default_token=self._site.default_token,
            )
            endpoint = route.endpoint(method)
            await self._site.pass_gate(route.path, request)
            answer = await endpoint(self._site, request)
        except LictorError as error:
            answer = answer_error(error)
        headers = {name.lower(): value for name, value in answer.headers}
        return Reply(answer.status, headers, answer.body if answer.encoded is None else answer.encoded.plain)


async def _given(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise BodyTooLargeError(f"Request body is too large: the bound is {bytes_max} bytes")
    return body


async def _given_at_once(body: bytes, bytes_max: int) -> AsyncIterator[bytes]:
    yield await _given(body, bytes_max)
