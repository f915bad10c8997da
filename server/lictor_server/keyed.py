"""The keyed handshake over sockets: done before the first byte of anything else, TLS among it, on either side.

One rule holds whatever else is set: where there is a key, every connection to the server port begins with it. A server
with TLS that asks for no certificates would otherwise take who has none, and no key either, for an agent.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Final

from lictor_core.clock import Rng, SystemRng
from lictor_core.errors import AuthenticationError, PeerError, UnreachableError
from lictor_core.keyring import KEYS_MAX, Ring
from lictor_server.handshake import (
    ACCEPTOR,
    NONCE_BYTES,
    PREAMBLE,
    PROOF_BYTES,
    accepted,
    greeting,
    is_greeting,
    matching,
    offered,
    proof,
    proves,
    refusal,
    refusal_length,
)
from lictor_server.sockets import reason_of

__all__ = ["GREET_S_MAX", "KEY_BYTE", "UNKEYED", "Keyed"]

KEY_BYTE: Final = PREAMBLE[0]
GREET_S_MAX: Final = 3.0
"""How long the handshake may take who dials."""
_SHOWN_MAX: Final = 300


class Keyed:
    """What one agent demands of who dials it, and offers to whom it dials. `ring` is asked anew for each connection."""

    def __init__(
        self,
        ring: Callable[[], Ring | None] = lambda: None,
        *,
        datacenter: str = "",
        incoming: bool = True,
        outgoing: bool = True,
        rng: Rng | None = None,
    ) -> None:
        """`incoming` and `outgoing` are Consul's `encrypt_verify_incoming` and `_outgoing`; without a ring both are
        off.

        `rng` makes nonces: it must be one that nobody can foresee, as the system's is."""
        self._ring = ring
        self._datacenter = datacenter
        self._incoming = incoming
        self._outgoing = outgoing
        self._rng = SystemRng() if rng is None else rng

    @property
    def demands(self) -> bool:
        """Whether who dials must prove a key."""
        return self._incoming and self._ring() is not None

    def flaw(self) -> AuthenticationError | None:
        """Why a connection that began without a key is not taken; None when it is."""
        if not self.demands:
            return None
        return AuthenticationError(
            "this server takes those alone who prove an encrypt key: set the same encrypt there as here"
        )

    async def greet(self, sock: socket.socket, address: str, *, timeout_s: float = GREET_S_MAX) -> None:
        """Prove a key to `address`, which `sock` reaches, and have it prove one; nothing where none is offered.

        Raises `UnreachableError` when the other end has none of these keys, or wants none; `sock` is closed then.
        """
        ring = self._ring()
        if ring is None or not self._outgoing:
            return
        proven = False
        try:
            async with asyncio.timeout(timeout_s):
                await self._offer(sock, ring)
            proven = True
        except TimeoutError:
            raise UnreachableError(f"{address} does not answer to the encrypt key within {timeout_s:g} s") from None
        except PeerError as error:
            raise UnreachableError(f"{address}: {error}") from None
        except OSError as error:
            raise UnreachableError(
                f"{address} broke off when it was offered an encrypt key: {reason_of(error)}"
            ) from error
        finally:
            if not proven:
                sock.close()

    async def admit(self, sock: socket.socket, *, timeout_s: float) -> None:
        """Hear who begins with `KEY_BYTE`, which was not taken from `sock` yet, and answer.

        Returns when it proved a key: then what follows is what any connection begins with. Raises `PeerError` with the
        reason when it did not, after telling it so; `OSError` when the connection is lost. Closes nothing.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._judge(sock)
        except TimeoutError:
            raise PeerError(f"it did not prove its encrypt key within {timeout_s:g} s") from None

    async def _offer(self, sock: socket.socket, ring: Ring) -> None:
        loop = asyncio.get_running_loop()
        own = self._nonce()
        await loop.sock_sendall(sock, greeting(own))
        nonces = (own, await _answer(sock, NONCE_BYTES))
        await loop.sock_sendall(sock, offered(ring, self._datacenter, nonces))
        if not proves(ring, await _answer(sock, PROOF_BYTES), self._datacenter, nonces):
            raise PeerError("what listens there took the encrypt key of this agent, and cannot prove one itself")

    async def _judge(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        head = await _exactly(sock, len(PREAMBLE))
        if not is_greeting(head):
            raise PeerError("its first bytes are no preamble of a keyed handshake")
        theirs = await _exactly(sock, NONCE_BYTES)
        ring = self._ring()
        if ring is None:
            await self._refuse(sock, "this server has no encrypt key: set the same one here, or none there")
            raise PeerError("it offers an encrypt key, and this server has none: set the same one here, or none there")
        nonces = (theirs, self._nonce())
        await loop.sock_sendall(sock, accepted(nonces[1]))
        count = (await _exactly(sock, 1))[0]
        if not 0 < count <= KEYS_MAX:
            raise PeerError(f"it offers {count} encrypt keys; 1 to {KEYS_MAX} are taken")
        key = matching(ring, await _exactly(sock, count * PROOF_BYTES), self._datacenter, nonces)
        if key is None:
            reason = f"proves none of the encrypt keys of this server, for datacenter {self._datacenter!r}"
            await self._refuse(sock, f"your agent {reason}: compare encrypt, datacenter, and `lictor keyring -list`")
            raise PeerError(f"it {reason}")
        await loop.sock_sendall(sock, accepted(proof(key, ACCEPTOR, self._datacenter, nonces)))

    async def _refuse(self, sock: socket.socket, reason: str) -> None:
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(sock, refusal(reason))

    def _nonce(self) -> bytes:
        return self._rng.bits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES, "big")


UNKEYED: Final = Keyed()
"""No keys at all: nothing is offered, and who offers one is refused."""


async def _answer(sock: socket.socket, length: int) -> bytes:
    """What the acceptor goes on with. Raises `PeerError` when it refuses."""
    verdict = (await _exactly(sock, 1))[0]
    if verdict == 1:
        return await _exactly(sock, length)
    if verdict:
        raise PeerError("what listens there knows nothing of encrypt keys")
    sentence = await _exactly(sock, refusal_length(await _exactly(sock, 2)))
    raise PeerError(f"refused: {sentence.decode(errors='replace')[:_SHOWN_MAX]}")


async def _exactly(sock: socket.socket, count: int) -> bytes:
    """The next `count` bytes and no more. Raises `PeerError` when the other end closes before."""
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < count:
        more = await loop.sock_recv(sock, count - len(data))
        if not more:
            raise PeerError("it closed the connection in the middle of the keyed handshake")
        data += more
    return data
