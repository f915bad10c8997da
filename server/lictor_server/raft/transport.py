"""Connections to the other servers, for the log: one to send to each, one from each to hear it.

Who is at the other end is settled once, by the hello of `raft.hello` and the certificate, before any message flows.
Every server that is listed is dialed for good; one that is not listed and calls is dialed back at the address it names
for as long as its call lasts, so that a server without a list of its own can answer. A newer connection of a server
takes the place of its older one, of which nothing more is heard.

Everything happens on one event loop. Callbacks are called from it, and may call back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from structlog.typing import FilteringBoundLogger

from lictor_core.backoff import Backoff
from lictor_core.clock import Rng
from lictor_core.errors import LictorError
from lictor_core.flood import Once
from lictor_core.protocol import OWN, Spoken
from lictor_server.keyed import UNKEYED, Keyed
from lictor_server.raft.accepted import Accepted
from lictor_server.raft.dialed import HELLO_TIMEOUT_S, Dialed, RefusedError, open_link
from lictor_server.raft.framing import encode_message
from lictor_server.raft.hello import Hello, LinkIdentity, Refusal, RefusalCode, answer_bytes, refusal_of
from lictor_server.raft.wire import Message
from lictor_server.tls import PLAIN, Proof, Tls

__all__ = ["CALLERS_MAX", "FOREIGN_S", "GUESTS_MAX", "RETRY_FIRST_S", "RETRY_MAX_S", "LinkEvents", "PeerLinks"]

CALLERS_MAX: Final = 64
"""Accepted connections, those that have not said hello yet among them."""
GUESTS_MAX: Final = 16
"""Servers that are dialed because they call, and not because they are listed."""
RETRY_FIRST_S: Final = 0.05
RETRY_MAX_S: Final = 1.0
"""The first and the longest wait before a server is dialed again."""
FOREIGN_S: Final = 10.0
"""One that speaks no protocol that is spoken here is dialed again after half of this to all of it, or when it calls."""
_STEADY_S: Final = 5.0
"""A connection that lasted so long was a good one: the next waits begin at the shortest again."""
_INCARNATIONS_MAX: Final = 256
"""Servers whose last processes are remembered, to tell two that share an id."""


@dataclass(frozen=True, kw_only=True)
class LinkEvents:
    """What `PeerLinks` tells its owner."""

    on_connected: Callable[[str], None]
    """Messages to this server leave now."""
    on_disconnected: Callable[[str], None]
    """And now they do not any more."""
    on_ended: Callable[[str], None] = lambda id: None
    """This server closed its connection, or nobody listens at its address: its process has ended, as it seems."""
    on_message: Callable[[str, Message], None]
    """A server says something about the log. May raise `PeerError`, which closes its connection."""
    on_caller: Callable[[str, str, str], None] = lambda id, name, address: None
    """A server with this id, name and address called and was taken; the address may be news."""
    on_stranger: Callable[[str, str, str], None] = lambda expected, found, address: None
    """Where one server was expected, another one listens: its id (empty when it tells none), and the address."""


@dataclass(eq=False)
class _Peer:
    """One server that is dialed. Of its two addresses the newer is tried first, then the other, in turns."""

    id: str
    listed: str = ""
    told: str = ""
    told_is_newer: bool = False
    link: Dialed | None = None
    task: asyncio.Task[None] | None = None
    poked: asyncio.Event = field(default_factory=asyncio.Event)
    failure: str = ""
    spoken: Spoken | None = None
    """Which protocol it said to speak when it was connected last, in either direction."""

    def address(self, attempt: int) -> str:
        order = [self.told, self.listed] if self.told_is_newer else [self.listed, self.told]
        known = [address for address in order if address]
        return known[attempt % len(known)]


class PeerLinks:
    """All connections of one server; a `Wire` for its `RaftCore`. `introduce` comes first, `stop` last."""

    def __init__(
        self,
        events: LinkEvents,
        *,
        rng: Rng,
        log: FilteringBoundLogger,
        tls: Tls = PLAIN,
        keyed: Keyed = UNKEYED,
        source: str = "",
        hello_timeout_s: float = HELLO_TIMEOUT_S,
    ) -> None:
        """`source` is the IP that is dialed from; empty for whichever the system takes."""
        self._events = events
        self._rng = rng
        self._log = log
        self._tls = tls
        self._keyed = keyed
        self._source = source
        self._hello_timeout_s = hello_timeout_s
        self._own = LinkIdentity("", "", "", "")
        self._incarnation = rng.uuid4()
        self._peers: dict[str, _Peer] = {}
        self._callers: set[Accepted] = set()
        self._hears: dict[str, Accepted] = {}
        """The one connection of each server that is heard."""
        self._incarnations: dict[str, tuple[str, str]] = {}
        self._told_versions = Once()
        self._ending: set[asyncio.Task[None]] = set()
        self._stopped = False

    # Who this server is, and whom it talks to.

    def introduce(self, own: LinkIdentity) -> None:
        """Say who this server is from now on; its id never changes.

        When it has become a member of a cluster, every connection with somebody who did not say to be of the same one
        is closed and made again: what was agreed before was agreed with a server of no cluster.
        """
        before, self._own = self._own, own
        if before.cluster_id == own.cluster_id:
            return
        for caller in list(self._callers):
            if caller.hello is not None and caller.hello.cluster_id != own.cluster_id:
                caller.abort("this server belongs to a cluster now")
        for peer in self._peers.values():
            if peer.link is not None and peer.link.cluster_id != own.cluster_id:
                peer.link.give_up("this server belongs to a cluster now")
            peer.poked.set()

    def set_peers(self, addresses: Mapping[str, str]) -> None:
        """Dial these servers, `id -> host:port`, and those that call, and no others.

        The own id is passed over, and who has no address; after `stop` nothing happens.
        """
        if self._stopped:
            return
        for id, address in addresses.items():
            if id != self._own.id and address:
                self._list(id, address)
        for peer in list(self._peers.values()):
            if peer.id not in addresses:
                peer.listed = ""
                if not self._is_called(peer):
                    self._drop(peer)

    @property
    def connected(self) -> frozenset[str]:
        """The servers that messages can be sent to."""
        return frozenset(peer.id for peer in self._peers.values() if peer.link is not None)

    def spoken(self, id: str) -> Spoken | None:
        """Which protocol the server with this id said to speak; None while it was not heard."""
        peer = self._peers.get(id)
        return OWN if id == self._own.id else None if peer is None else peer.spoken

    # `Wire`.

    def send(self, node_id: str, message: Message) -> bool:
        """Queue `message`; False when it surely will not arrive. Never waits."""
        peer = self._peers.get(node_id)
        if peer is None or peer.link is None or not peer.link.has_room:
            return False
        return peer.link.send(encode_message(message))

    # For the listener.

    def accept(self, proof: Proof | None) -> asyncio.Protocol:
        """The protocol of a connection that is Raft's; `proof` is what its certificate proved, None without one."""
        return Accepted(self, proof, self._hello_timeout_s)

    async def stop(self) -> None:
        """Close every connection; afterwards nobody is called back."""
        self._stopped = True
        for peer in list(self._peers.values()):
            self._drop(peer)
        for caller in list(self._callers):
            caller.abort("this server is stopping")
        if self._ending:
            await asyncio.wait(self._ending)

    # `Judge`, for `Accepted`.

    def opened(self, caller: Accepted) -> Refusal | None:
        """A connection for Raft came in."""
        if self._stopped or len(self._callers) >= CALLERS_MAX:
            refusal = Refusal(RefusalCode.FULL, f"{len(self._callers)} servers call this one already")
            self._note_refusal(caller, refusal, refusal)
            return refusal
        self._callers.add(caller)
        return None

    def judge(self, caller: Accepted, hello: Hello | Refusal) -> Refusal | None:
        """Take or refuse who said hello."""
        refusal = hello if isinstance(hello, Refusal) else self._refusal(caller, hello)
        if isinstance(hello, Refusal) or refusal is not None:
            self._note_refusal(caller, hello, refusal)
            return refusal
        caller.hello = hello
        older = self._hears.get(hello.id)
        self._hears[hello.id] = caller
        if older is not None:
            older.abort("a newer connection took its place")
        self._remember(hello)
        self._log.info(
            "raft.link.accepted", peer=hello.id, name=hello.name, address=hello.address, speaks=str(hello.spoken)
        )
        self._told_versions.forget(hello.name[:64])
        self._dial_back(hello)
        self._events.on_caller(hello.id, hello.name, hello.address)
        return None

    def answer(self, refusal: Refusal | None) -> bytes:
        """What a dialer is told."""
        return answer_bytes(self._own, refusal)

    def take(self, caller: Accepted, message: Message) -> None:
        """A message came; it counts only on the newest connection of its sender."""
        assert caller.hello is not None, "messages come after the hello"
        if self._hears.get(caller.hello.id) is caller and not self._stopped:
            self._events.on_message(caller.hello.id, message)

    def lost(self, caller: Accepted, reason: str) -> None:
        """An accepted connection is over."""
        self._callers.discard(caller)
        if self._stopped:
            return
        if caller.broken:
            self._log.warning(
                "raft.link.broken", peer=caller.peer, id="" if caller.hello is None else caller.hello.id, reason=reason
            )
        if caller.hello is None or self._hears.get(caller.hello.id) is not caller:
            return
        del self._hears[caller.hello.id]
        peer = self._peers.get(caller.hello.id)
        if peer is None:
            return
        if not peer.listed:
            self._drop(peer)
        elif peer.link is not None and peer.link.returns_call:
            # It was dialed as a guest and is listed since: without its own call it would not be dialed back.
            peer.link.give_up("the call that it returned has ended")
            peer.poked.set()

    # Inside.

    def _refusal(self, caller: Accepted, hello: Hello) -> Refusal | None:
        if caller.proof is not None and not caller.proof.is_server:
            return Refusal(
                RefusalCode.CERTIFICATE,
                f"its certificate is none of a server: it does not name {self._tls.server_name}",
            )
        certified = frozenset[str]() if caller.proof is None else caller.proof.node_ids
        refusal = refusal_of(hello, self._own, self._incarnation, certified)
        if refusal is None and self._is_twin(hello):
            refusal = Refusal(
                RefusalCode.SAME_ID,
                f"two processes call themselves {hello.id}: {hello.name} at {hello.address}, and one that called "
                "between two calls of it; stop one, and give it a data directory of its own",
            )
        if refusal is not None and refusal.code is RefusalCode.SAME_ID:
            self._log.error("raft.identity.doubled", peer=caller.peer, id=hello.id, reason=refusal.message)
        guests = sum(1 for peer in self._peers.values() if not peer.listed)
        if refusal is None and hello.id not in self._peers and not hello.returns_call and guests >= GUESTS_MAX:
            refusal = Refusal(RefusalCode.FULL, f"{guests} servers that are not listed here call already")
        return refusal

    def _note_refusal(self, caller: Accepted, hello: Hello | Refusal, refusal: Refusal | None) -> None:
        assert refusal is not None, "a greeting that is no hello is refused"
        name = hello.name[:64] if isinstance(hello, Hello) else ""
        is_foreign = isinstance(hello, Hello) and refusal.code is RefusalCode.VERSION
        if is_foreign and not self._told_versions.is_news(name, refusal.message):
            return  # it calls again and again
        self._log.warning(
            "raft.link.refused", peer=caller.peer, name=name, code=str(refusal.code), reason=refusal.message
        )

    def _is_twin(self, hello: Hello) -> bool:
        """Whether the process that called before the current one calls again: the dead do not come back."""
        current, previous = self._incarnations.get(hello.id, ("", ""))
        return hello.incarnation == previous != current and hello.id in self._hears

    def _remember(self, hello: Hello) -> None:
        current, previous = self._incarnations.pop(hello.id, ("", ""))
        if current != hello.incarnation:
            current, previous = hello.incarnation, current
        self._incarnations[hello.id] = (current, previous)
        if len(self._incarnations) > _INCARNATIONS_MAX:
            del self._incarnations[next(iter(self._incarnations))]

    def _list(self, id: str, address: str) -> None:
        peer = self._peers.get(id)
        if peer is None:
            peer = _Peer(id, listed=address)
            self._begin(peer)
        elif peer.listed != address:
            peer.listed, peer.told_is_newer = address, False
            if peer.link is not None and peer.link.address != address:
                peer.link.give_up("its address changed")
            peer.poked.set()

    def _dial_back(self, hello: Hello) -> None:
        if not hello.address:
            return
        peer = self._peers.get(hello.id)
        if peer is None:
            if not hello.returns_call:
                self._begin(_Peer(hello.id, told=hello.address, spoken=hello.spoken))
            return
        peer.spoken = hello.spoken
        peer.told_is_newer = hello.address != peer.listed
        peer.told = hello.address
        peer.poked.set()

    def _is_called(self, peer: _Peer) -> bool:
        """Whether it calls this server of its own accord, and said where it is."""
        caller = self._hears.get(peer.id)
        return caller is not None and caller.hello is not None and not caller.hello.returns_call and peer.told != ""

    def _begin(self, peer: _Peer) -> None:
        assert not self._stopped, "nobody is dialed after the end"
        self._peers[peer.id] = peer
        peer.task = asyncio.get_running_loop().create_task(self._keep(peer), name=f"raft-link-{peer.id}")
        self._ending.add(peer.task)
        peer.task.add_done_callback(self._note_end)

    def _drop(self, peer: _Peer) -> None:
        if self._peers.get(peer.id) is peer:
            del self._peers[peer.id]
        if peer.task is not None:
            peer.task.cancel()
        self._close(peer, "not a peer any more")

    async def _keep(self, peer: _Peer) -> None:
        """Keep a connection to `peer`; ends only when it is cancelled."""
        backoff = Backoff(self._rng, first_s=RETRY_FIRST_S, max_s=RETRY_MAX_S)
        loop = asyncio.get_running_loop()
        attempt = 0
        while True:
            peer.poked.clear()
            address = peer.address(attempt)
            attempt += 1
            own = self._own
            try:
                link = await open_link(
                    address, self._hello_to(peer), own, self._tls, keyed=self._keyed, source=self._source
                )
            except LictorError as error:
                pause_s = backoff.next_s()
                self._note_failure(peer, address, error)
                if isinstance(error, RefusedError) and error.refusal.code is RefusalCode.VERSION:
                    pause_s = self._rng.uniform(FOREIGN_S / 2, FOREIGN_S)
                if isinstance(error.__cause__, ConnectionRefusedError):
                    self._events.on_ended(peer.id)
            else:
                attempt = 0
                began = loop.time()
                if own.cluster_id != self._own.cluster_id:
                    link.give_up("this server belongs to a cluster now")
                    continue
                reason = await self._use(peer, address, link)
                if link.given_up:
                    self._log.info("raft.link.closed", peer=peer.id, address=address, reason=reason)
                else:
                    self._log.warning("raft.link.lost", peer=peer.id, address=address, reason=reason)
                    if link.ended_there:
                        self._events.on_ended(peer.id)
                if loop.time() - began >= _STEADY_S:
                    backoff.reset()
                pause_s = backoff.next_s()
            await _wait(peer.poked, pause_s)

    async def _use(self, peer: _Peer, address: str, link: Dialed) -> str:
        """Let messages leave until the connection ends; why it did."""
        peer.link, peer.failure, peer.spoken = link, "", link.spoken
        self._log.info("raft.link.opened", peer=peer.id, address=address)
        self._events.on_connected(peer.id)
        try:
            await asyncio.wait([link.closed])
            return link.closed.result()
        finally:
            self._close(peer, "not a peer any more")

    def _close(self, peer: _Peer, reason: str) -> None:
        link, peer.link = peer.link, None
        if link is not None:
            link.give_up(reason)
            if not self._stopped:
                self._events.on_disconnected(peer.id)

    def _hello_to(self, peer: _Peer) -> Hello:
        own = self._own
        return Hello(
            datacenter=own.datacenter,
            cluster_id=own.cluster_id,
            id=own.id,
            name=own.name,
            address=own.address,
            expects=peer.id,
            incarnation=self._incarnation,
            returns_call=not peer.listed,
            spoken=OWN,
        )

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A callback of ours failed: without this nobody would learn that the peer is not dialed any more.
            self._log.critical("raft.dialer.crashed", task=task.get_name(), reason=repr(error), exc_info=error)

    def _note_failure(self, peer: _Peer, address: str, error: LictorError) -> None:
        """Tell each reason once, until it works again."""
        reason = str(error)
        if reason != peer.failure:
            peer.failure = reason
            self._log.warning("raft.dial.failed", peer=peer.id, address=address, reason=reason)
        if isinstance(error, RefusedError):
            if error.refusal.code is RefusalCode.SAME_ID:
                self._log.error("raft.identity.doubled", peer=address, id=self._own.id, reason=reason)
            if error.refusal.code is RefusalCode.STRANGER:
                self._events.on_stranger(peer.id, error.found_id, address)


async def _wait(poked: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await poked.wait()
    except TimeoutError:
        pass
