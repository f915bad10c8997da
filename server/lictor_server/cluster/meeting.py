"""Introductions: who this server is goes to everybody who may be a server, again and again.

That finds the servers named by `retry_join`, founds a cluster when enough blank ones have met, and keeps addresses
right when they change: identity is the node id, an address is only where it was last seen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Callable
from typing import Final, Protocol

from structlog.typing import FilteringBoundLogger

from lictor_core.addresses import join_host_port, split_host_port
from lictor_core.backoff import Backoff
from lictor_core.clock import Clock, Rng
from lictor_core.codec import pack, unpack
from lictor_core.errors import ClusterError, ConfigurationError, IncompatibleError, LictorError, RequestError
from lictor_core.peers import PeerSet
from lictor_server.cluster.cards import Introduction, Promise, ServerCard, check_card
from lictor_server.cluster.directory import Directory
from lictor_server.cluster.founding import Founding, founders_among, founding_set
from lictor_server.poke import Poke
from lictor_server.sockets import reason_of

__all__ = ["INTRODUCE", "PROMISE", "Calls", "Meeting", "MeetingSettings"]

INTRODUCE: Final = "server.introduce"
PROMISE: Final = "server.promise"
_CALL_S_MAX: Final = 2.0
_LONELY_S_MIN: Final = 0.1
_LONELY_S_MAX: Final = 3.0
"""Between rounds while this server knows no leader: twice as long after each, up to this."""
_SETTLED_S: Final = 10.0
"""Between rounds once there is a leader."""
_FRESH_S: Final = 15.0
"""Who introduced itself this long ago may still be counted on when a cluster is founded."""
_REASONS_MAX: Final = 3
"""Reasons told in one event of why nobody could be joined."""
_RESOLVED_MAX: Final = 16
"""Addresses taken of one name."""
_REFUSALS_MAX: Final = 64
"""Places whose last refusal is remembered, so that it is told once."""
_WAITING_ROUNDS: Final = 8
"""Rounds of a blank server, some ten seconds, before it tells what it waits for."""


class Calls(Protocol):
    """Requests to other servers; `PeerError` and the like when they fail."""

    async def call(self, address: str, method: str, payload: bytes, *, timeout_s: float) -> bytes:
        """The answer of the server at `address`."""
        ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeetingSettings:
    """Whom to look for. Addresses are `host` or `host:port`; without a port it is `join_port`."""

    retry_join: tuple[str, ...] = ()
    retry_interval_s: float = 30.0
    """Consul's `retry_interval`: between attempts that `retry_max` counts, and the longest between any."""
    retry_max: int = 0
    """After so many attempts without finding anybody the server gives up; 0 is never."""
    join_port: int = 8301
    may_be_joined: bool = True
    """Whether others can belong to the cluster of this server: not when it has dropped the log that they would need."""


class Meeting:
    """Introduces one server while `run` runs. All methods belong to one event loop."""

    def __init__(
        self,
        settings: MeetingSettings,
        *,
        own_card: Callable[[], ServerCard],
        peer_set: Callable[[], PeerSet],
        leader_card: Callable[[], ServerCard | None],
        found: Callable[[PeerSet], None],
        on_news: Callable[[], None],
        directory: Directory,
        calls: Calls,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
    ) -> None:
        """`leader_card` tells who leads, if known; `found` writes the first peer set; `on_news`: an address changed."""
        self._settings = settings
        self._own_card = own_card
        self._peer_set = peer_set
        self._leader_card = leader_card
        self._found = found
        self._on_news = on_news
        self._directory = directory
        self._calls = calls
        self._clock = clock
        self._rng = rng
        self._log = log
        self._founding = Founding(own_card().id)
        self._poke = Poke()
        self.leader_hint: ServerCard | None = None
        """Who leads, by the word of another server: for a server that gets no entries yet."""
        self._refusals: dict[str, str] = {}
        """Why which place was refused, as it was told last."""
        self._named_itself = False
        """Whether `retry_join` names this server, too: that counts as found, as in Consul."""

    @property
    def cluster_id(self) -> str:
        """The cluster that this server belongs to or has promised itself to; empty for none."""
        return self._peer_set().cluster_id or self._founding.cluster_id

    # What other servers ask.

    def introduced(self, card: ServerCard) -> Introduction:
        """Answer the card of another server. Raises `RequestError` when the two cannot belong together."""
        own = self._own_card()
        self._check(own, card)
        self._hear(card)
        places = self._directory.places(self._peer_set())
        leader = self._leader_card()
        return Introduction(card=own, others=tuple(places), leader=leader)

    def promised(self, promise: Promise) -> None:
        """Give or release a promise to belong to a cluster. Raises `RequestError` when it cannot be given."""
        self._founding.asked(promise, own_cluster_id=self._peer_set().cluster_id)

    # The loop.

    def poke(self) -> None:
        """Something changed: make the next round now."""
        self._poke.poke()

    async def run(self) -> None:
        """Introduce for as long as the task lives. Raises `ConfigurationError` when `retry_max` is reached."""
        longest_s = max(_LONELY_S_MIN, min(_LONELY_S_MAX, self._settings.retry_interval_s))
        backoff = Backoff(self._rng, first_s=_LONELY_S_MIN, max_s=longest_s)
        fruitless = rounds = 0
        while True:
            reasons: list[str] = []
            answered = await self._round(reasons)
            if self._leader_card() is not None:
                backoff.reset()
                fruitless = rounds = 0
                await self._poke.rest(self._rng.uniform(_SETTLED_S / 2, _SETTLED_S))
                continue
            await self._found_if_due()
            rounds += 1
            self._tell_of_waiting(rounds)
            if self._settings.retry_join and not answered:
                fruitless += 1
                if fruitless & (fruitless - 1) == 0:  # the first, second, fourth ... attempt: it may last for hours
                    self._log.warning(
                        "cluster.join.failed",
                        addresses=list(self._settings.retry_join),
                        attempts=fruitless,
                        reasons=reasons[:_REASONS_MAX],
                    )
                if 0 < self._settings.retry_max <= fruitless and not self._named_itself:
                    raise ConfigurationError(
                        f"no server answered at {', '.join(self._settings.retry_join)} in {fruitless} attempts "
                        "(retry_max): check retry_join, or that those servers run"
                    )
            if self._settings.retry_max and not answered:
                await self._poke.rest(self._settings.retry_interval_s)
            else:
                await self._poke.rest(backoff.next_s())

    async def join(self, addresses: tuple[str, ...]) -> int:
        """Introduce to each of `addresses` once; how many answered. Raises `ClusterError` when none did.

        This server itself counts, as in Consul: all servers of a cluster may be given one and the same list.
        """
        reasons: list[str] = []
        places = [place for address in addresses for place in await self._resolved(address, reasons)]
        answered = [one for one in await self._introduce_to(places, reasons) if one]
        if not answered:
            raise ClusterError(
                f"no server answered at {', '.join(addresses)}: {'; '.join(reasons)}; client agents join servers, not "
                "the other way round: run join there, with the address of this one"
            )
        self.poke()
        return len(answered)

    async def _round(self, reasons: list[str]) -> int:
        """Introduce to everybody once; how many others answered."""
        own, places = self._own_card(), set(self._directory.places(self._peer_set()))
        if self._leader_card() is None or not places:
            for address in self._settings.retry_join:
                places.update(await self._resolved(address, reasons))
        answers = await self._introduce_to(sorted(places - {own.address}), reasons)
        self._named_itself |= own.address in places or own.id in answers
        return sum(1 for one in answers if one not in ("", own.id))

    async def _introduce_to(self, places: list[str], reasons: list[str]) -> list[str]:
        return await asyncio.gather(*(self._introduce(place, reasons) for place in places))

    async def _introduce(self, place: str, reasons: list[str]) -> str:
        """The id of the server that answered at `place`; empty for none."""
        own = self._own_card()
        try:
            data = await self._calls.call(place, INTRODUCE, pack(own), timeout_s=_CALL_S_MAX)
            answer = unpack(data, Introduction)
            if answer.card.id == own.id:
                self._directory.drop_hint(place)
                reasons.append(f"{place} is this server itself")
                return own.id
            self._check(own, answer.card)
        except LictorError as error:
            self._directory.drop_hint(place)
            reason = str(error)
            reasons.append(reason if reason.startswith(place) else f"{place}: {reason}")
            self._log.debug("cluster.introduction.failed", address=place, reason=reason)
            if isinstance(error, RequestError | IncompatibleError):
                self._tell_refusal(place, reason)
            return ""
        self._refusals.pop(place, None)
        self._directory.hint(answer.others)
        self._hear(answer.card)
        if answer.leader is not None and answer.leader.id != own.id:
            self._hint_at(answer.leader)
        return answer.card.id

    def _hint_at(self, leader: ServerCard) -> None:
        """Another server names the leader; a place that is none is no hint."""
        try:
            check_card(leader)
        except RequestError as error:
            self._log.debug("cluster.hint.refused", reason=str(error))
            return
        self.leader_hint = leader
        self._directory.hint((leader.address,))

    def _tell_refusal(self, place: str, reason: str) -> None:
        """Two servers that cannot belong together: only an operator changes that, so it is told at once, and once."""
        if self._refusals.get(place) == reason:
            return
        if len(self._refusals) >= _REFUSALS_MAX:
            self._refusals.clear()
        self._refusals[place] = reason
        self._log.warning("cluster.join.refused", address=place, reason=reason)

    def _tell_of_waiting(self, rounds: int) -> None:
        """Tell a blank server's operator what it waits for, ever more seldom: it may be for hours."""
        if rounds < _WAITING_ROUNDS or rounds & (rounds - 1) or self._peer_set().cluster_id:
            return
        own = self._own_card()
        met = self._directory.heard_since(self._clock.monotonic() - _FRESH_S)
        self._log.warning(
            "cluster.founding.awaited",
            expected=own.expect,
            met=sorted(card.name for card in met),
            remedy=self._remedy(own.expect, met),
        )

    def _remedy(self, expect: int, met: list[ServerCard]) -> str:
        if self._founding.cluster_id:
            return (
                "it has promised itself to a cluster that another is founding: restart it if that one is gone for good"
            )
        if any(card.cluster_id for card in met):
            if self.leader_hint is None:
                return "a cluster was met that nobody leads: see that a majority of its servers run"
            return (
                f"{self.leader_hint.name} leads the cluster that was met, and takes in who has a lease there: if it "
                "does not, agent.lease.refused says why"
            )
        if expect:
            return (
                f"start {expect} servers with -bootstrap-expect={expect}, and name them to one another by -retry-join"
            )
        if self._settings.retry_join:
            return "start servers that belong to a cluster, or found one with -bootstrap-expect"
        return "name a server to join with -retry-join, or found a cluster with -bootstrap-expect"

    def _check(self, own: ServerCard, card: ServerCard) -> None:
        check_card(card)
        if not self._settings.may_be_joined and card.id != own.id:
            raise RequestError(
                f"server {own.name} keeps nothing on disk and is alone for good: start it with -data-dir, not -dev"
            )
        if card.datacenter != own.datacenter:
            raise RequestError(
                f"server {card.name} is of datacenter {card.datacenter!r}, {own.name} of {own.datacenter!r}"
            )
        if own.cluster_id and card.cluster_id and own.cluster_id != card.cluster_id:
            raise RequestError(
                f"server {card.name} ({card.id}) at {card.address} belongs to another cluster than {own.name}: "
                "empty the data directory of the one that is to move"
            )
        if card.id == own.id and card.address != own.address:
            raise RequestError(
                f"the servers at {card.address} and {own.address} both have the node id {own.id}: "
                "a copied data directory must lose its file node-id"
            )

    def _hear(self, card: ServerCard) -> None:
        if self._directory.heard(card, self._clock.monotonic()):
            self._log.info("cluster.server.met", server=card.name, id=card.id, address=card.address)
            self._on_news()
            self.poke()

    # Founding.

    async def _found_if_due(self) -> None:
        own = self._own_card()
        met = self._directory.heard_since(self._clock.monotonic() - _FRESH_S)
        founders = founders_among(own, met)
        if not founders:
            self._warn_of_other_expectations(own, met)
            return
        promise = Promise(
            coordinator=own.id, cluster_id=self._rng.uuid4(), founders=tuple(founder.id for founder in founders)
        )
        given: list[ServerCard] = []
        try:
            self.promised(promise)
            for founder in founders[1:]:
                given.append(founder)
                await self._calls.call(founder.address, PROMISE, pack(promise), timeout_s=_CALL_S_MAX)
        except LictorError as error:
            self._log.warning("cluster.founding.failed", reason=str(error))
            await self._release(promise, given)
            return
        if not self._peer_set().cluster_id:
            self._found(founding_set(promise.cluster_id, founders))
            self._log.info(
                "cluster.founding.completed", cluster_id=promise.cluster_id, servers=[one.name for one in founders]
            )

    async def _release(self, promise: Promise, given: list[ServerCard]) -> None:
        release = Promise(coordinator=promise.coordinator, cluster_id=promise.cluster_id, founders=())
        self.promised(release)
        for founder in given:
            try:
                await self._calls.call(founder.address, PROMISE, pack(release), timeout_s=_CALL_S_MAX)
            except LictorError as error:
                self._log.debug("cluster.release.failed", server=founder.name, reason=str(error))

    def _warn_of_other_expectations(self, own: ServerCard, met: list[ServerCard]) -> None:
        other = [card for card in met if card.expect not in (0, own.expect) and not card.cluster_id]
        if own.expect and other:
            self._log.warning(
                "cluster.expectation.unlike",
                own=own.expect,
                server=other[0].name,
                other=other[0].expect,
                remedy="give all servers the same bootstrap_expect",
            )

    # Names to addresses.

    async def _resolved(self, address: str, reasons: list[str]) -> list[str]:
        """The places that `address` of a user names."""
        try:
            host, port = split_host_port(address, self._settings.join_port)
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, RequestError, UnicodeError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            self._log.warning("cluster.name.unresolved", address=address, reason=reason)
            reasons.append(f"{address}: {reason}")
            return []
        return sorted({join_host_port(str(entry[4][0]), port) for entry in found})[:_RESOLVED_MAX]
