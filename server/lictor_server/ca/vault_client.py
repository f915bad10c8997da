"""Vault's HTTP API as far as the CA needs it: engines for certificates, and the token's own life.

hvac and requests are loaded with the first request (extra `lictor[vault]`), and run on threads of their own, so that a
Vault that is slow holds up no one else. Sources: Vault's documents `api-docs/secret/pki`, `api-docs/system/mounts`,
`api-docs/auth/token`. The token is in no error and in no log.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Protocol, cast

from lictor_core.errors import PeerError, UnreachableError
from lictor_server.ca.settings import VaultSettings

if TYPE_CHECKING:
    import hvac

__all__ = ["TIMEOUT_S", "VaultApi", "VaultClient"]

TIMEOUT_S: Final = 10.0
"""How long Vault may take to take a connection, and to answer."""
_THREADS_MAX: Final = 4
"""Requests to Vault at once; further ones wait, as many as may be signing (`SigningLimits`)."""
_REASON_CHARS_MAX: Final = 300
_HIDDEN: Final = "<hidden>"


class VaultApi(Protocol):
    """What the CA asks of Vault. Paths have no leading slash.

    Raises `PeerError` with Vault's own reason, `UnreachableError` when it could not be asked at all.
    """

    async def certificate(self, mount: str) -> str:
        """The CA of an engine, PEM; empty where there is no engine, or none in it."""
        ...

    async def mount(self, path: str, max_ttl_s: float) -> None:
        """Begin an engine for certificates, which may live so long."""
        ...

    async def mounted(self, path: str) -> bool:
        """Whether there is an engine."""
        ...

    async def unmount(self, path: str) -> None:
        """End an engine, and forget all that it holds."""
        ...

    async def write(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Have something done; what comes back."""
        ...

    async def keep_token(self) -> None:
        """Renew the token when it is past half of its life, if it can be."""
        ...


class VaultClient:
    """One Vault, asked with one token."""

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(_THREADS_MAX, thread_name_prefix="lictor-vault")

    async def certificate(self, mount: str) -> str:
        """The CA of an engine, PEM; empty where there is no engine, or none in it."""
        answer = await self._asked("GET", f"{mount}/ca/pem", missing=True)
        return answer if isinstance(answer, str) else ""

    async def mount(self, path: str, max_ttl_s: float) -> None:
        """Begin an engine for certificates, which may live so long."""
        ttl = f"{int(max_ttl_s)}s"
        config = {"default_lease_ttl": ttl, "max_lease_ttl": ttl}
        await self._asked("POST", f"sys/mounts/{path}", {"type": "pki", "config": config})

    async def mounted(self, path: str) -> bool:
        """Whether there is an engine."""
        answer = await self._asked("GET", "sys/mounts")
        return f"{path}/" in (_data(answer) or answer)

    async def unmount(self, path: str) -> None:
        """End an engine, and forget all that it holds."""
        await self._asked("DELETE", f"sys/mounts/{path}", missing=True)

    async def write(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Have something done; what comes back."""
        return _data(await self._asked("POST", path, body))

    async def keep_token(self) -> None:
        """Renew the token when it is past half of its life, if it can be."""
        data = _data(await self._asked("GET", "auth/token/lookup-self"))
        if not data.get("renewable"):
            return
        left, whole = data.get("ttl"), data.get("creation_ttl")
        if isinstance(left, int) and isinstance(whole, int) and left < whole / 2:
            await self._asked("POST", "auth/token/renew-self", {})

    async def _asked(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, missing: bool = False
    ) -> dict[str, object] | str:
        def ask() -> dict[str, object] | str:
            return self._ask(method, path, body, missing=missing)

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)

    def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None, *, missing: bool
    ) -> dict[str, object] | str:
        """One request, on a thread. With `missing` what is not there is the empty text."""
        import requests
        from hvac.exceptions import InvalidPath, InvalidRequest, VaultError

        where = self._settings.address
        try:
            answer = self._client().adapter.request(method.lower(), f"/v1/{path}", json=body)
        except (InvalidPath, InvalidRequest) as error:
            # Vault says 404 for a path without an engine, 400 or 404 for an engine without a CA, by version.
            if missing:
                return ""
            raise PeerError(f"Vault at {where} refused {path}: {self._reason(error)}") from None
        except VaultError as error:
            raise PeerError(f"Vault at {where} refused {path}: {self._reason(error)}") from None
        except requests.ConnectionError as error:
            raise UnreachableError(f"Vault at {where} cannot be reached: {self._reason(error)}") from None
        except (requests.RequestException, OSError, ValueError) as error:
            raise PeerError(f"Vault at {where} did not answer {path}: {self._reason(error)}") from None
        if isinstance(answer, dict):
            return cast(dict[str, object], answer)
        assert isinstance(answer, requests.Response), "hvac gives the one or the other"
        return answer.text if answer.status_code == 200 else ""

    def _client(self) -> hvac.Client:
        """This thread's own: a session of requests is not for two at once."""
        client: hvac.Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._local.client = _made(self._settings)
        return client

    def _reason(self, error: Exception) -> str:
        said = getattr(error, "errors", None)
        text = "; ".join(map(str, said)) if said else (str(error) or type(error).__name__)
        text = " ".join(text.split()).replace(self._settings.token, _HIDDEN)
        return text[:_REASON_CHARS_MAX]


def _data(answer: dict[str, object] | str) -> dict[str, object]:
    """What Vault wraps its answers in."""
    data = answer.get("data") if isinstance(answer, dict) else None
    return cast(dict[str, object], data) if isinstance(data, dict) else {}


def _made(settings: VaultSettings) -> hvac.Client:
    import hvac
    import requests
    from requests.adapters import HTTPAdapter

    class Named(HTTPAdapter):
        """Asks for, and expects, a certificate of a name that is not the address's."""

        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
            super().init_poolmanager(
                connections,
                maxsize,
                block,
                server_hostname=settings.server_name,
                assert_hostname=False if settings.skip_verify else settings.server_name,
            )

    session = requests.Session()
    session.verify = False if settings.skip_verify else (settings.ca_file or settings.ca_path or True)
    session.cert = (settings.cert_file, settings.key_file) if settings.cert_file else None
    if settings.server_name:
        session.mount("https://", Named())
    made: Callable[..., hvac.Client] = hvac.Client
    return made(
        settings.address,
        settings.token,
        timeout=TIMEOUT_S,
        verify=session.verify,  # hvac overlooks the session's own where that is False
        session=session,
        namespace=settings.namespace or None,
    )
