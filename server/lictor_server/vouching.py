"""This server's side of membership: it keeps the leases of those who renew here, and vouches for them to the leader.

What changed goes out at once, gathered for a moment; at rest a digest with nothing in it is this server's heartbeat. A
renewal of a lease that the leader knows of is granted here and costs nobody else anything; who appears here for the
first time waits for the leader's word, who may know that the name is another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec
from structlog.typing import FilteringBoundLogger

from lictor_core.clock import Clock
from lictor_core.errors import LictorError, NoLeaderError, error_from
from lictor_core.membership import LeaseGrant, Renewal
from lictor_core.records import MemberStatus
from lictor_server.leader.member import check_member
from lictor_server.leader.pauses import PauseWatch
from lictor_server.leases import Answer, Digest, KeptLeases, Standing
from lictor_server.leases.digest import HEARTBEATS_PER_LEASE
from lictor_server.leases.kept import Settled
from lictor_server.poke import Poke

__all__ = ["CLAIM_S_MAX", "RpcLink", "Vouching"]

GATHER_S: Final = 0.02
"""News wait so long for others to go with them."""
CLAIM_S_MAX: Final = 1.5
"""How long an agent that appears here waits for the leader's word; then it may ask elsewhere, or again."""
_RETRY_S: Final = 0.2


class RpcLink(Protocol):
    """The connection over which an agent renews."""

    @property
    def lives_on(self) -> bool:
        """Whether the agent said, before it closed it, that it goes elsewhere."""
        ...

    def at_end(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called once, when the connection is closed."""
        ...


class Vouching:
    """The loop that sends digests, and what agents ask for. All methods belong to one event loop."""

    def __init__(
        self,
        leases: KeptLeases,
        vouch: Callable[[Digest], Awaitable[Answer]],
        leave_at_leader: Callable[[str], Awaitable[None]],
        *,
        lease_s: float,
        clock: Clock,
        log: FilteringBoundLogger,
    ) -> None:
        self._leases = leases
        self._vouch = vouch
        self._leave_at_leader = leave_at_leader
        self._heartbeat_s = lease_s / HEARTBEATS_PER_LEASE
        self._clock = clock
        self._log = log
        self._poke = Poke()
        self._claims: dict[str, asyncio.Future[Settled]] = {}
        self._links: set[RpcLink] = set()
        self._sending = asyncio.Lock()

    # Agents.

    async def renew(self, renewal: Renewal, link: RpcLink | None = None) -> LeaseGrant:
        """Take or renew a lease, which hangs on the connection `link` when there is one.

        Raises `RequestError` while a living member with another id has the name, `OverloadedError` at a bound, and
        `NoLeaderError` when no leader said within `CLAIM_S_MAX` that a new one may come in.
        """
        check_member(renewal.member)
        member = msgspec.structs.replace(renewal.member, status=MemberStatus.ALIVE, cause="")
        renewal = msgspec.structs.replace(renewal, member=member)
        if link is not None and link not in self._links:
            self._links.add(link)
            link.at_end(lambda: self._closed(link))
        standing = self._leases.renew(renewal, self._clock.monotonic(), connection=link)
        if standing is Standing.OUTDATED:
            return self._grant(seen=self._leases.seen(member.name))
        if self._leases.has_news:
            self._poke.poke()
        if standing is Standing.GRANTED:
            return self._grant()
        return await self._judged(member.name.lower())

    def holds(self, name: str, link: RpcLink) -> bool:
        """Whether the lease of `name` hangs on this connection."""
        return self._leases.holds(name, link)

    async def leave(self, name: str) -> None:
        """The holder of `name` left on purpose. Raises what the leader does."""
        async with self._sending:  # a digest on its way may say that it lives; it must not come after the leaving
            self._leases.leave(name)
        self._poke.poke()
        await self._leave_at_leader(name)

    async def _judged(self, name: str) -> LeaseGrant:
        claim = self._claims.get(name)
        if claim is None:
            claim = self._claims[name] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(CLAIM_S_MAX):
                settled = await asyncio.shield(claim)
        except (TimeoutError, asyncio.CancelledError) as error:
            if self._claims.get(name) is claim:
                del self._claims[name]
            if isinstance(error, asyncio.CancelledError):
                raise
            raise NoLeaderError(
                f"No cluster leader: none said within {CLAIM_S_MAX:g} s that {name!r} may be a member"
            ) from None
        if settled.refusal is None:
            return self._grant()
        if settled.refusal.seen:
            return self._grant(seen=settled.refusal.seen)
        raise error_from(settled.refusal.code, settled.refusal.reason)

    def _grant(self, *, seen: int = 0) -> LeaseGrant:
        return LeaseGrant(renew_s=0.0 if seen else self._leases.renew_s, server=self._leases.server, seen=seen)

    def _closed(self, link: RpcLink) -> None:
        self._links.discard(link)
        self._leases.close(link, self._clock.monotonic(), lives_on=link.lives_on)
        self._poke.poke()

    # The loop.

    async def run(self) -> None:
        """Vouch for as long as the task lives."""
        pauses = PauseWatch(self._note_pause)
        pauses.start()
        try:
            while True:
                await self._poke.rest(await self._round())
        finally:
            pauses.stop()

    async def _round(self) -> float:
        """One digest; the seconds until the next."""
        for row in self._leases.expire(self._clock.monotonic(), self._clock.now()):
            self._log.info("lease.holder.lost", member=row.name, reason=row.cause)
        try:
            async with self._sending:
                told = await self._tell()
        except LictorError as error:
            self._log.debug("lease.digest.lost", code=error.code, reason=str(error))
            return _RETRY_S
        if told:
            await asyncio.sleep(GATHER_S)
        next_end = self._leases.next_end()
        until_end = self._heartbeat_s if next_end is None else next_end - self._clock.monotonic()
        return 0.0 if self._leases.has_news else max(GATHER_S, min(self._heartbeat_s, until_end))

    async def _tell(self) -> bool:
        """Send what is to be told; whether that was anything."""
        digest = self._leases.digest()
        try:
            answer = await self._vouch(digest)
        except BaseException:
            self._leases.lost(digest)
            raise
        for settled in self._leases.settle(digest, answer):
            claim = self._claims.pop(settled.name, None)
            if claim is not None and not claim.done():
                claim.set_result(settled)
        return bool(digest.rows)

    def _note_pause(self, pause_s: float) -> None:
        """Nobody could renew a lease here while this process did not run."""
        self._leases.extend(pause_s)
