"""Raft on the event loop: when the core is pumped, and futures for what was submitted.

The core is pumped once in a pass of the loop, after all that came in that pass: writes of many clients share one batch.
A timer pumps it when nothing happens. An exception out of the core is a broken invariant: the driver stops for good,
fails whatever waits, and reports it through `on_failure`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from lictor_core.errors import CatchingUpError, NoLeaderError, OutcomeUnknownError, PeerError
from lictor_server.raft.core import RaftCore
from lictor_server.raft.outcome import Reason, error_of
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.waiting import AppliedWaiters
from lictor_server.raft.wire import Message

__all__ = ["Driver"]


class Driver:
    """Drives one `RaftCore`; `start`, `stop` and everything between happen on one event loop."""

    def __init__(
        self,
        core: RaftCore,
        settings: RaftSettings,
        *,
        on_leadership: Callable[[bool], None],
        on_failure: Callable[[BaseException], None],
        on_leader: Callable[[str | None], None],
    ) -> None:
        """`on_leadership`: this server began or ceased to lead. `on_leader`: who leads, or that nobody is known to."""
        self._core = core
        self._settings = settings
        self._on_leadership = on_leadership
        self._on_failure = on_failure
        self._on_leader = on_leader
        self._leader: str | None = None
        self._told_term: int | None = None
        self._open = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._pump_due = False
        self._pending: dict[asyncio.Future[object], float] = {}
        """Writes without an outcome, the oldest first, and until when they wait for one.

        The timer looks at them; a timer for each would cost more than the rest of a write here."""
        self._ready_waiters: dict[asyncio.Future[None], None] = {}
        self._applied_waiters = AppliedWaiters()

    @property
    def core(self) -> RaftCore:
        """The core, for reading its state."""
        return self._core

    def start(self) -> None:
        """Begin to drive; the first pump is due at once."""
        self._loop = asyncio.get_running_loop()
        self._on_timer()

    def stop(self) -> None:
        """End at once. What was submitted and not answered is unknown; what waits for a leader has none."""
        if self._loop is None:
            return
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()
        self._core.destroy()
        for future in list(self._pending):
            if not future.done():
                future.set_exception(
                    OutcomeUnknownError("the server stopped while the write was under way: read before writing again")
                )
        self._release(NoLeaderError("this server is stopping"))
        self._applied_waiters.fail(NoLeaderError("this server is stopping"))

    def fail(self, error: BaseException) -> None:
        """The log cannot be kept any more: stop for good, and report it.

        What did not enter the log is surely not done; what did may be on the disk, and is unknown.
        """
        if self._loop is not None:
            self._core.refuse_queued()
            self.stop()
            self._on_failure(error)

    async def propose(self, payload: bytes) -> object:
        """Put a command through the log and return what applying it gave.

        Raises `NoLeaderError` or `OverloadedError` when it surely was not applied, `OutcomeUnknownError` when nobody
        knows.
        """
        loop = self._running_loop()
        future: asyncio.Future[object] = loop.create_future()
        self._pending[future] = loop.time() + self._settings.write_timeout_s
        try:
            self._core.submit(payload, partial(_settle, future))
            self.kick()
            return await future
        finally:
            del self._pending[future]

    def open_to_requests(self) -> None:
        """The leader has done what comes before the first request: let them in until leadership ends."""
        self._open = self.leads
        self.kick()

    @property
    def leads(self) -> bool:
        """Whether this server leads and knows all that was committed before it did."""
        return self._loop is not None and self._core.is_leader and self._core.knows_commits

    @property
    def led_term(self) -> int | None:
        """The term in which this server leads, and knows all that was committed before; None where it does not."""
        return self._core.term if self.leads else None

    @property
    def is_open(self) -> bool:
        """Whether this server leads and has done what comes before the first request."""
        return self._open and self.leads

    @property
    def can_serve(self) -> bool:
        """Whether a linearizable read may be answered from the state as it is now, without asking anybody.

        True on a leader that has applied all it committed, while its lease says that nobody else can have committed
        more.
        """
        return self._open and self._loop is not None and self._core.is_current

    @property
    def can_serve_strictly(self) -> bool:
        """The same, where the majority that has to confirm it is this server alone: it has no peers, voters or not."""
        return self.can_serve and not self._core.has_peers

    async def ready(self) -> None:
        """Return when this leader may serve requests. Raises `NoLeaderError` at once when it does not lead.

        Raises `CatchingUpError` when it still may not after `hold_s`.
        """
        loop = self._running_loop()
        if self.is_open and self._core.applied_index >= self._core.commit_index:
            return
        if not self._core.is_leader:
            raise NoLeaderError()
        waiter: asyncio.Future[None] = loop.create_future()
        self._ready_waiters[waiter] = None
        try:
            async with asyncio.timeout(self._settings.hold_s):
                await waiter
        except TimeoutError:
            raise CatchingUpError("the leader has not applied all that was committed: retry in a second") from None
        finally:
            self._ready_waiters.pop(waiter, None)

    async def read_index(self, *, strict: bool) -> int:
        """On the leader: the index up to which a state must be applied to show all that was committed before the call.

        The state here is that far when this returns. `strict` asks a majority even while the lease holds. Raises
        `NoLeaderError` when this server does not lead.
        """
        await self.ready()
        if self.can_serve_strictly if strict else self.can_serve:
            return self._core.applied_index
        future: asyncio.Future[None] = self._running_loop().create_future()

        def done(reason: Reason) -> None:
            if future.done():
                return
            if reason is Reason.SUCCESS:
                future.set_result(None)
            else:
                future.set_exception(error_of(reason))

        self._core.read_barrier(done)
        self.kick()
        try:
            async with asyncio.timeout(self._settings.hold_s):
                await future
        except TimeoutError:
            raise NoLeaderError("the leader reached no majority of the servers in time: retry in a second") from None
        return self._core.applied_index

    async def applied(self, index: int) -> None:
        """Return when `index` is applied here. Raises `CatchingUpError` when it still is not after `hold_s`."""
        if self._core.applied_index >= index:
            return
        self._running_loop()
        waiter = self._applied_waiters.add(index)
        try:
            async with asyncio.timeout(self._settings.hold_s):
                await waiter
        except TimeoutError:
            raise CatchingUpError(
                f"this server has applied entry {self._core.applied_index} of the log and needs {index}: it is behind "
                "or cut off; retry, or ask another server"
            ) from None
        finally:
            self._applied_waiters.give_up(waiter)

    def log_synced(self) -> None:
        """More of the log is on the disk."""
        if self._loop is not None:
            self._core.log_synced()
            self.kick()

    def receive(self, node_id: str, message: Message) -> None:
        """Take a message of another server. Raises `PeerError` when it is malformed: close that connection."""
        if self._loop is None:
            return
        try:
            self._core.receive(node_id, message)
        except PeerError:
            raise
        except Exception as error:  # a broken invariant, as in `_pump`
            self._break(error)
            return
        self.kick()

    def kick(self) -> None:
        """See that the core is pumped in this pass of the loop."""
        if not self._pump_due and self._loop is not None:
            self._pump_due = True
            self._loop.call_soon(self._pump)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise NoLeaderError("this server is not running")
        return self._loop

    def _on_timer(self) -> None:
        if self._loop is not None:
            self._timer = self._loop.call_later(self._settings.tick_s, self._on_timer)
            self._give_up_waiting(self._loop.time())
            self.kick()

    def _give_up_waiting(self, now: float) -> None:
        for future, until in self._pending.items():
            if until > now:
                break
            if not future.done():
                future.set_exception(
                    OutcomeUnknownError(
                        f"no outcome of the write after {self._settings.write_timeout_s:g} s: it may or may not be "
                        "applied yet"
                    )
                )

    def _pump(self) -> None:
        self._pump_due = False
        if self._loop is None:
            return
        try:
            more = self._core.pump()
        except Exception as error:  # a broken invariant: going on could apply an entry twice
            self._break(error)
            return
        if more:
            self.kick()
        led_term = self.led_term
        if led_term != self._told_term:
            if self._told_term is not None:
                self._give_up_pending()
            self._told_term = led_term
            self._open = False
            self._on_leadership(led_term is not None)
        if self._core.leader != self._leader:
            self._leader = self._core.leader
            self._on_leader(self._leader)
        self._applied_waiters.release(self._core.applied_index)
        if self._ready_waiters:
            if self.is_open and self._core.applied_index >= self._core.commit_index:
                self._release(None)
            elif not self._core.is_leader:
                self._release(NoLeaderError())

    def _give_up_pending(self) -> None:
        """Leadership was lost: whoever waits need not wait until the next leader tells what became of the write."""
        for future in list(self._pending):
            if not future.done():
                future.set_exception(
                    OutcomeUnknownError("leadership was lost while the write was under way: it may be applied yet")
                )

    def _break(self, error: Exception) -> None:
        self.stop()
        self._on_failure(error)

    def _release(self, error: NoLeaderError | None) -> None:
        for waiter in list(self._ready_waiters):
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


def _settle(future: asyncio.Future[object], result: object, reason: Reason) -> None:
    if future.done():
        return
    if reason is Reason.SUCCESS:
        future.set_result(result)
    else:
        future.set_exception(error_of(reason))
