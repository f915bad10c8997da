"""Asking those who vouch, over HTTP: bounded in time and size, following nobody anywhere else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lictor_core.codec import from_json, to_json
from lictor_core.errors import AclRefusedError, PeerError, RequestError

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["ANSWER_BYTES_MAX", "ANSWER_S_MAX", "Asker", "trusting"]

ANSWER_BYTES_MAX: Final = 1024 * 1024
"""What somebody who vouches may answer."""
ANSWER_S_MAX: Final = 10.0
"""How long that may take, from the first look-up of the name on."""
_REASON_CHARS_MAX: Final = 300


def trusting(pem: str, flaw: str) -> ssl.SSLContext:
    """TLS to whom the certificates in `pem` vouch for, or those of the host where it is empty.

    Raises `AclRefusedError`, which says `flaw`, for a text without certificates.
    """
    context = ssl.create_default_context()
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=pem)
        except (ssl.SSLError, ValueError):
            raise AclRefusedError(f"Invalid Auth Method: {flaw}") from None
    return context


class Asker:
    """One who is asked; `tls` is by whom an https address is trusted."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, object]:
        """The JSON object at `url`. Raises `PeerError` when it cannot be had."""
        return await self._ask("GET", url, None, headers or {})

    async def post(self, url: str, body: object, headers: Mapping[str, str]) -> dict[str, object]:
        """The JSON object that answers `body`, sent as JSON. Raises `PeerError`."""
        return await self._ask("POST", url, to_json(body), {"Content-Type": "application/json", **headers})

    async def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, object]:
        import aiohttp  # with its parsers: most servers never have an auth method

        try:
            async with aiohttp.ClientSession(trust_env=False) as session:
                return await self._asked(session, method, url, body, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, RequestError, asyncio.IncompleteReadError) as error:
            raise PeerError(f"{method} {_place(url)}: {_reason(error)}") from None

    async def _asked(
        self, session: ClientSession, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> dict[str, object]:
        async with (
            asyncio.timeout(ANSWER_S_MAX),
            session.request(method, url, data=body, headers=headers, ssl=self._tls, allow_redirects=False) as answer,
        ):
            text = b""
            async for part in answer.content.iter_any():
                text += part
                if len(text) > ANSWER_BYTES_MAX:
                    raise RequestError(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
            if not 200 <= answer.status < 300:
                raise RequestError(f"the answer has status {answer.status}")
            return from_json(text, dict[str, object])


def _place(url: str) -> str:
    """Where it was asked, without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}{parts.path}"[:_REASON_CHARS_MAX]


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:_REASON_CHARS_MAX]
