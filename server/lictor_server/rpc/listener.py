"""The server port: one listener for RPC and Raft, plain and with TLS, bounded in number, time and memory.

The first byte decides: 0x16 begins TLS, under which ALPN says what it is for (RPC when it says nothing); `A` stands
before TLS of agents whose certificates are the servers' own, or who come for one (`auto_encrypt`); `L` begins the
preamble of Raft; 0x00 begins a frame of RPC, whose length has no room for more. It is looked at and left where it is.
Where there is an encrypt key, a handshake comes before any of that (`K`), and nothing is read of who fails it.
Bytes that are none of these, whoever sends them, give one log event and a closed connection.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Final, Literal

from structlog.typing import FilteringBoundLogger

from lictor_core.errors import AuthenticationError, LictorError, OverloadedError, PeerError, RequestError
from lictor_server.keyed import KEY_BYTE, UNKEYED, Keyed
from lictor_server.raft.dialed import HELLO_TIMEOUT_S
from lictor_server.rpc.arrival import RAFT_BYTE, RPC_BYTE, TLS_BYTE, Switch, check_first_byte, close, first_byte, say_no
from lictor_server.rpc.clients import Clients
from lictor_server.rpc.conversation import FRAME_MAX_S, Conversation
from lictor_server.rpc.methods import Methods
from lictor_server.rpc.refusals import Refusals
from lictor_server.rpc.visitor import Visitor
from lictor_server.sockets import peer_name, tuned
from lictor_server.tls import AGENT_BYTE, ALPN_RAFT, NOBODY, PLAIN, Proof, Tls

__all__ = ["HANDSHAKE_MAX_S", "IDLE_MAX_S", "PER_CLIENT_MAX", "SPARE_MAX", "UNDECIDED_MAX", "RpcListener"]

IDLE_MAX_S: Final = 60.0
"""A connection that says nothing for so long, with nothing under way, is closed; agents renew leases far more often."""
HANDSHAKE_MAX_S: Final = 5.0
"""How long the first byte may take to come, and then TLS; Consul's `rpc_handshake_timeout`."""
PER_CLIENT_MAX: Final = 100
"""Connections of one address; Consul's `rpc_max_conns_per_client`."""
SPARE_MAX: Final = 64
"""Connections beyond the bound, for servers alone: were there none, a server that agents fill would hear no other one
vouch for its agents, and would take them for failed."""
UNDECIDED_MAX: Final = 512
"""Connections that have not said yet what they are for."""
GREETING_S: Final = HELLO_TIMEOUT_S
"""So long a connection of Raft's counts as undecided: its greeting has come then, or it was closed."""
_RAFT: Final = "raft"
_ACCEPTS_MAX: Final = 64
"""Connections accepted in one pass of the event loop."""
_BACKLOG: Final = 1024
_BREATH_S: Final = 1.0
"""When the process has no descriptor left, it accepts nobody for so long."""
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CLOSE_S: Final = 1.0
"""How long the other end may take to agree that TLS is over."""


class RpcListener:
    """Accepts connections at one address and port; port 0 takes any free one."""

    def __init__(
        self,
        methods: Methods,
        *,
        address: str,
        port: int,
        connections_max: int,
        in_flight_max: int,
        log: FilteringBoundLogger,
        tls: Tls = PLAIN,
        keyed: Keyed = UNKEYED,
        raft: Callable[[Proof | None], asyncio.Protocol] | None = None,
        idle_max_s: float = IDLE_MAX_S,
        handshake_max_s: float = HANDSHAKE_MAX_S,
        per_client_max: int = PER_CLIENT_MAX,
        frame_max_s: float = FRAME_MAX_S,
    ) -> None:
        """`raft` makes the protocol of a connection that is Raft's (`PeerLinks.accept`); without it there are none.

        `connections_max` counts RPC alone, and `SPARE_MAX` more are kept for what servers ask of one another: however
        many agents there are, servers find one another. `per_client_max` counts those of one address from their first
        moment, until they are Raft's; 0 is no bound.
        """
        self._methods = methods
        self._address = address
        self._port = port
        self._connections_max = connections_max
        self._in_flight_max = in_flight_max
        self._log = log
        self._tls = tls
        self._keyed = keyed
        self._raft = raft
        self._idle_max_s = idle_max_s
        self._handshake_max_s = handshake_max_s
        self._frame_max_s = frame_max_s
        self.clients = Clients(per_client_max)
        """Who has how many connections; the bound may be changed at any time."""
        self._refusals = Refusals(log)
        self._socket: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._undecided = 0
        self._connections = 0
        self.accepted = 0
        """Connections that came in."""
        self.accepted_raft = 0
        """How many of them were Raft's."""

    @property
    def port(self) -> int:
        """The port in use; before `start` the wished one."""
        return self._port

    async def start(self) -> None:
        """Listen. Raises `OSError` when the address or port cannot be had."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        self._socket = socket.create_server((self._address, self._port), family=family, backlog=_BACKLOG)
        self._socket.setblocking(False)
        self._port = self._socket.getsockname()[1]
        self._listen()
        if not ipaddress.ip_address(self._address).is_loopback and not self._tls.incoming_required:
            reason = "no TLS" if self._tls.listening is None else "verify_incoming is off: nobody has to prove anything"
            if self._keyed.demands:
                reason += "; the encrypt key tells who may connect, and protects nothing that is said then"
            self._log.warning("rpc.listener.exposed", address=self._address, port=self.port, reason=reason)

    async def stop(self) -> None:
        """Close the listener and every RPC connection; what was under way is cancelled."""
        listening, self._socket = self._socket, None
        if listening is None:
            return
        asyncio.get_running_loop().remove_reader(listening)
        listening.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    # Accepting.

    def _listen(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        """Take what waits, but not so much that nothing else gets its turn."""
        for _ in range(_ACCEPTS_MAX):
            if self._socket is None:
                return
            try:
                sock, address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._log.error("rpc.listener.exhausted", reason=error.strerror, pause_s=_BREATH_S)
                loop = asyncio.get_running_loop()
                loop.remove_reader(self._socket)
                loop.call_later(_BREATH_S, self._listen)
                return
            self.accepted += 1
            self._begin(sock, peer_name(address), str(address[0]))

    def _begin(self, sock: socket.socket, peer: str, host: str) -> None:
        if self._undecided >= UNDECIDED_MAX:
            self._refusals.note_refused(peer, f"{UNDECIDED_MAX} connections have not said yet what they are for")
            sock.close()
            return
        if (refusal := self.clients.arrive(host)) is not None:
            self._refusals.note_refused(peer, str(refusal))
            sock.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(tuned(sock), peer, host))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, sock: socket.socket, peer: str, host: str) -> None:
        """One connection: what it is for, and then, when that is RPC, all of it."""
        try:
            await self._decide(sock, peer, host)
        finally:
            self.clients.depart(host)

    async def _decide(self, sock: socket.socket, peer: str, host: str) -> None:
        self._undecided += 1
        try:
            streams = await self._streams(sock, peer)
            if streams == _RAFT:
                await asyncio.sleep(GREETING_S)  # in which it is heard, or gone
                return
        except PeerError as error:
            self._refusals.note_broken(peer, str(error))
            return
        except OSError as error:
            self._log.debug("rpc.connection.lost", peer=peer, reason=str(error))
            return
        except asyncio.CancelledError:
            return  # `stop` ends the task
        finally:
            self._undecided -= 1
        if streams is not None:
            await self._converse(streams, peer, host)

    async def _streams(self, sock: socket.socket, peer: str) -> _Found:
        """The streams of an RPC connection; None when it is over or refused. Closes what it does not hand on.

        Raises `PeerError` when it begins as nothing that is spoken here, `OSError` when it is lost.
        """
        handed_on = False
        try:
            first = await self._first(sock, peer)
            if first is None:
                return None
            if first == TLS_BYTE and self._tls.listening is None:
                raise PeerError("it speaks TLS, for which this server lacks cert_file and key_file")
            if first == AGENT_BYTE:
                context = self._context_for_agents()
                sock.recv(1)
                handed_on = True
                return await self._secured(sock, context, for_agents=True)
            if first != TLS_BYTE and (error := self._plain_flaw(first)) is not None:
                self._refusals.note_refused(peer, str(error))
                say_no(sock, first, error)
                return None
            handed_on = True
            if first == TLS_BYTE:
                return await self._secured(sock, self._tls.listening)
            return await self._plain(sock, first)
        finally:
            if not handed_on:
                close(sock)

    async def _first(self, sock: socket.socket, peer: str) -> int | None:
        """What the connection is for, once its key was proven where one must be; None when it is over, or refused."""
        patience_s = min(self._handshake_max_s, self._idle_max_s)
        first = await first_byte(sock, patience_s)
        if first is None:
            return None
        check_first_byte(first)
        if first != KEY_BYTE:
            if (flaw := self._keyed.flaw()) is None:
                return first
            self._refusals.note_key_missed(peer, str(flaw))
            say_no(sock, first, flaw)
            return None
        try:
            await self._keyed.admit(sock, timeout_s=patience_s)
        except PeerError as error:
            self._refusals.note_key_refused(peer, str(error))
            return None
        first = await first_byte(sock, patience_s)
        if first is not None:
            check_first_byte(first)
            if first == KEY_BYTE:
                raise PeerError("it begins the keyed handshake twice")
        return first

    def _context_for_agents(self) -> ssl.SSLContext:
        """For who comes with a certificate of the mesh's CA, or for one. Raises `PeerError` where there is none."""
        if self._tls.for_agents is None:
            raise PeerError("it asks for a certificate (auto_encrypt.tls), and auto_encrypt.allow_tls is off here")
        if not self._tls.agent_roots:  # who shows one then would be taken for nobody as long as the connection lasts
            raise PeerError("it asks for a certificate, and the CA of the mesh is not known here yet")
        return self._tls.for_agents

    def _plain_flaw(self, first: int) -> LictorError | None:
        """Why a connection without TLS is not taken."""
        if self._tls.incoming_required:
            return AuthenticationError(
                "this server takes TLS only (verify_incoming): set verify_outgoing, ca_file, cert_file and key_file"
            )
        if first == RAFT_BYTE and self._raft is None:
            return RequestError("this server takes part in no cluster of several")
        if first == RPC_BYTE and self._connections >= self._connections_max + SPARE_MAX:
            return self._full()
        return None

    def _full(self) -> OverloadedError:
        return OverloadedError(f"{self._connections_max} connections to this server are open already")

    async def _plain(self, sock: socket.socket, first: int) -> _Found:
        loop = asyncio.get_running_loop()
        if first == RAFT_BYTE:
            assert self._raft is not None, "otherwise it was refused"
            raft = self._raft(None)
            self.accepted_raft += 1
            await loop.connect_accepted_socket(lambda: raft, sock)
            return _RAFT
        streams = _Streams()
        await loop.connect_accepted_socket(lambda: streams.protocol, sock)
        return streams

    async def _secured(
        self, sock: socket.socket, context: ssl.SSLContext | None, *, for_agents: bool = False
    ) -> _Found:
        """TLS, and then what ALPN says. Raises `PeerError` when it fails for another reason than a lost connection."""
        streams = _Streams(for_agents=for_agents)
        is_raft = False

        def choose(transport: asyncio.Transport) -> asyncio.Protocol:
            nonlocal is_raft
            secured: ssl.SSLObject = transport.get_extra_info("ssl_object")
            if self._raft is not None and not for_agents and secured.selected_alpn_protocol() == ALPN_RAFT:
                is_raft = True
                self.accepted_raft += 1
                return self._raft(self._tls.proof(secured))
            return streams.protocol

        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: Switch(choose),
                sock,
                ssl=context,
                ssl_handshake_timeout=self._handshake_max_s,
                ssl_shutdown_timeout=_CLOSE_S,
            )
        except (ssl.SSLError, ConnectionAbortedError) as error:
            raise PeerError(f"TLS failed: {error}") from error
        return _RAFT if is_raft else streams

    async def _converse(self, streams: _Streams, peer: str, host: str) -> None:
        if self._connections >= self._connections_max + SPARE_MAX:
            self._refusals.note_refused(peer, str(self._full()))
            streams.writer.close()
            return
        try:
            visitor = self._visitor(streams, peer)
        except PeerError as error:
            self._refusals.note_refused(peer, str(error))
            streams.writer.close()
            return
        full = self._full() if self._connections >= self._connections_max else self.clients.over(host)
        self._connections += 1
        conversation = Conversation(
            streams.reader,
            streams.writer,
            self._methods,
            self._in_flight_max,
            self._idle_max_s,
            self._log,
            visitor=visitor,
            full=full,
            frame_max_s=self._frame_max_s,
            refusals=self._refusals,
        )
        try:
            await conversation.run()
        except* PeerError as errors:
            self._refusals.note_broken(peer, str(errors.exceptions[0]))
        except* OSError as errors:
            self._log.debug("rpc.connection.lost", peer=peer, reason=str(errors.exceptions[0]))
        except* asyncio.CancelledError:
            pass  # `stop` ends the task
        finally:
            self._connections -= 1
            visitor.end()
            streams.writer.close()

    def _visitor(self, streams: _Streams, peer: str) -> Visitor:
        """Who comes. Raises `PeerError` for whom nothing is said here."""
        secured: ssl.SSLObject | None = streams.writer.get_extra_info("ssl_object")
        if secured is None:
            return Visitor(peer)
        if not streams.for_agents:
            return Visitor(peer, self._tls.proof(secured))
        proof = self._tls.agent_proof(secured)
        return Visitor(peer, NOBODY if proof is None else proof, is_nobody=proof is None)


class _Streams:
    """The two streams of a connection that is still to come; `for_agents` by which door."""

    def __init__(self, *, for_agents: bool = False) -> None:
        self.for_agents = for_agents
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(loop=loop)
        self.protocol = asyncio.StreamReaderProtocol(self.reader, self._made, loop=loop)

    def _made(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer


_Found = _Streams | Literal["raft"] | None
"""What a connection turned out to be."""
