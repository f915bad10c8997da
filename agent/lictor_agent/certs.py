"""Leaf certificates for local services: keys made here, signed by the servers, renewed long before they end.

A private key never leaves this process but in the answer to whoever asked for the leaf. Sources: Consul's documents
`docs/connect/ca` and `api-docs/agent/connect`; SPIFFE X509-SVID section 2 (the identity is the URI in the subject's
alternative names).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from structlog.typing import FilteringBoundLogger

from lictor_agent.kept import Kept, KeptByServer
from lictor_agent.renewal import renewal_s
from lictor_core.clock import Clock, Rng
from lictor_core.errors import CatchingUpError, LictorError, OverloadedError, RequestError
from lictor_core.limits import WAIT_MAX_S
from lictor_core.queries import CARootsQuery
from lictor_core.records import CARoots
from lictor_core.registry import IssuedLeaf, LeafRequest, ReadOptions, Registry

__all__ = ["LEAVES_MAX", "Leaf", "LeafKeeper"]

LEAVES_MAX: Final = 1024
"""Services whose leaves one agent keeps; the one that nobody asked for longest makes room for another."""
IDLE_S_MAX: Final = 72 * 3600.0
"""A leaf that nobody asked for in this time is forgotten and not renewed any more."""
_LOOK_EVERY_S: Final = 60.0
"""The wall clock may jump: due times are looked at anew at least this often."""
_REST_S_MAX: Final = 60.0
"""How long a leaf that is due as soon as it is signed is left alone: its times and the clock here disagree, and to sign
it again at once, and again, would help nobody and ask all of what the servers can sign."""
_RETRY_S_MIN: Final = 1.0
_RETRY_S_MAX: Final = 60.0
_CSRS_PER_S: Final = 50.0
"""Leaves that the servers sign a second by default (Consul's `csr_max_per_second`): the pace after a change of root."""
_ROOT_SPREAD_S_MAX: Final = 30.0
_FIRST_TRIES_MAX: Final = 20
_TURN_S_MIN: Final = 0.1
_TURN_S_MAX: Final = 1.0
"""How often, and between which rests, a first leaf is asked for while the servers sign as many as they may."""


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A leaf with its private key, both PEM; times in seconds since 1970. `modify_index` grows with every renewal."""

    serial_number: str
    certificate: str
    private_key: str = field(repr=False)
    service: str
    uri: str
    valid_after: float
    valid_before: float
    root_id: str
    create_index: int
    modify_index: int


class _Wanted(NamedTuple):
    """Whose leaf, and the DNS names in it."""

    service: str
    dns_names: tuple[str, ...]


@dataclass(eq=False)
class _Entry:
    """What is kept for one service and its names.

    The leaf is to be renewed at `due`, by the wall clock, or at `due_monotonic`, by the one that cannot be set back:
    what comes first, but not before `rests_until`. That and `asked`, when somebody last wanted it, are by the latter.
    """

    token: str
    asked: float
    leaf: Leaf | None = None
    due: float = 0.0
    due_monotonic: float = 0.0
    rests_until: float = 0.0
    retry_s: float = _RETRY_S_MIN
    waiters: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    renewed: asyncio.Event = field(default_factory=asyncio.Event)


class LeafKeeper:
    """Keeps the leaves of the services that somebody asked for, renewed while `run` runs."""

    def __init__(
        self,
        registry: Registry,
        datacenter: str,
        clock: Clock,
        rng: Rng,
        log: FilteringBoundLogger,
        *,
        kept: Kept | None = None,
    ) -> None:
        """`kept` tells the roots; without it the server in this process does."""
        self._registry = registry
        self._kept: Kept = kept or KeptByServer(registry)
        self._datacenter = datacenter
        self._clock = clock
        self._rng = rng
        self._log = log
        self._entries: dict[_Wanted, _Entry] = {}
        self._active_root_id = ""
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Renew what is due and follow changes of the root, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_roots(), name="leaves follow roots")
            while True:
                await self.renew_due()
                await self._pause()

    async def leaf(
        self, service: str, min_index: int, wait_s: float, *, token: str = "", dns_names: tuple[str, ...] = ()
    ) -> Leaf:
        """The service's leaf; with `min_index` one of a higher `modify_index` if it comes within `wait_s` seconds.

        `dns_names` are what an ingress gateway is reached by: other names are another leaf.

        Raises `RequestError` for an empty name, `OverloadedError` when too many leaves are in use, and what signing
        raises, such as `NoLeaderError`.
        """
        if not service:
            raise RequestError("URI must be either service or agent")
        wanted = _Wanted(service, dns_names)
        entry = self._entry(wanted, token)
        entry.waiters += 1
        try:
            leaf = await self._first(wanted, entry)
            if not min_index or leaf.modify_index > min_index or wait_s <= 0:
                return leaf
            try:
                async with asyncio.timeout(min(wait_s, WAIT_MAX_S)):
                    while leaf.modify_index <= min_index:
                        await entry.renewed.wait()
                        leaf = entry.leaf or leaf
            except TimeoutError:
                pass
            return leaf
        finally:
            entry.waiters -= 1
            entry.asked = self._clock.monotonic()

    async def renew_due(self) -> None:
        """Renew every leaf whose time has come and forget those that nobody wants any more. Never raises."""
        for wanted, entry in list(self._entries.items()):
            if self._entries.get(wanted) is not entry:
                continue  # made room for another while one before it was renewed
            if not entry.waiters and self._clock.monotonic() - entry.asked > IDLE_S_MAX:
                del self._entries[wanted]
            elif entry.leaf is not None and self._due_in_s(entry) <= 0:
                await self._renew(wanted, entry)

    def least_left_s(self) -> float | None:
        """For how many seconds the leaf that ends first is still valid, below 0 when it is not; None without leaves."""
        ends = [entry.leaf.valid_before for entry in self._entries.values() if entry.leaf is not None]
        return min(ends) - self._clock.now() if ends else None

    def first_to_end(self) -> tuple[float, float] | None:
        """When the leaf that ends first begins and ends, in seconds since 1970; None without leaves."""
        spans = [(leaf.valid_before, leaf.valid_after) for entry in self._entries.values() if (leaf := entry.leaf)]
        ends, begins = min(spans, default=(0.0, 0.0))
        return (begins, ends) if spans else None

    def root_changed(self, active_root_id: str, spread_s: float) -> None:
        """Renew within `spread_s` seconds, at random, every leaf that another root signed."""
        self._active_root_id = active_root_id
        now = self._clock.now()
        for entry in self._entries.values():
            if entry.leaf is not None and entry.leaf.root_id != active_root_id:
                entry.due = min(entry.due, now + self._rng.uniform(0, spread_s))
                entry.rests_until = 0.0
        self._wake.set()

    def _entry(self, wanted: _Wanted, token: str) -> _Entry:
        entry = self._entries.get(wanted)
        if entry is not None:
            entry.token = token
            return entry
        if len(self._entries) >= LEAVES_MAX:
            unused = [name for name, one in self._entries.items() if not one.waiters]
            if not unused:
                raise OverloadedError(f"{LEAVES_MAX} leaf certificates are in use on this agent: try again later")
            del self._entries[min(unused, key=lambda name: self._entries[name].asked)]
        entry = self._entries[wanted] = _Entry(token, self._clock.monotonic())
        return entry

    async def _first(self, wanted: _Wanted, entry: _Entry) -> Leaf:
        """The leaf, signed now when there is none or when it ended (while the servers were away)."""
        async with entry.lock:
            if entry.leaf is None or (
                self._clock.now() >= entry.leaf.valid_before and self._clock.monotonic() >= entry.rests_until
            ):
                await self._sign_in_turn(wanted, entry)
            assert entry.leaf is not None, "signing either raised or gave one"
            return entry.leaf

    async def _sign_in_turn(self, wanted: _Wanted, entry: _Entry) -> None:
        """Somebody waits for a first leaf: servers that sign for others first are asked again, not all at once."""
        for _ in range(_FIRST_TRIES_MAX - 1):
            try:
                await self._sign(wanted, entry)
            except OverloadedError:
                await asyncio.sleep(self._rng.uniform(_TURN_S_MIN, _TURN_S_MAX))
            else:
                return
        await self._sign(wanted, entry)

    async def _renew(self, wanted: _Wanted, entry: _Entry) -> None:
        async with entry.lock:
            try:
                await self._sign(wanted, entry)
            except LictorError as error:
                assert entry.leaf is not None, "only what was signed once is renewed"
                if isinstance(error, RequestError) and wanted.dns_names and not entry.waiters:
                    self._entries.pop(wanted, None)  # its gateway has other names by now
                    return
                retry_s = self._rng.uniform(entry.retry_s / 2, entry.retry_s)
                entry.due, entry.due_monotonic = self._clock.now() + retry_s, self._clock.monotonic() + retry_s
                entry.retry_s = min(entry.retry_s * 2, _RETRY_S_MAX)
                left_s = round(entry.leaf.valid_before - self._clock.now())
                self._log.warning("agent.leaf.renewal_failed", service=wanted.service, reason=str(error), left_s=left_s)

    async def _sign(self, wanted: _Wanted, entry: _Entry) -> None:
        roots = (await self._kept.read(CARootsQuery(), ReadOptions())).reading
        if not roots.value.trust_domain:
            raise CatchingUpError("the CA has no root yet: retry in a second")
        # Imported at the first leaf: keys and certificates take much memory, and an agent outside the mesh needs none.
        from lictor_agent.signing import new_request

        request = new_request(wanted.service, roots.value.trust_domain, self._datacenter, wanted.dns_names)
        asked = LeafRequest(csr=request.csr, service=wanted.service, token=entry.token)
        issued = await self._registry.sign_leaf(asked)
        entry.leaf = _leaf(issued, request.private_key, entry.leaf)
        after_s = renewal_s(issued.valid_after, issued.valid_before, self._rng)
        entry.due, entry.due_monotonic = issued.valid_after + after_s, self._clock.monotonic() + after_s
        if entry.due <= self._clock.now():
            entry.rests_until = self._clock.monotonic() + min(_REST_S_MAX, after_s)
        if self._active_root_id not in ("", issued.root_id):  # the root changed while this one was under way
            entry.due = min(entry.due, self._clock.now() + _RETRY_S_MIN)
            entry.rests_until = 0.0
        entry.retry_s = _RETRY_S_MIN
        renewed, entry.renewed = entry.renewed, asyncio.Event()
        renewed.set()
        self._wake.set()
        self._log.info(
            "agent.leaf.signed",
            service=wanted.service,
            serial_number=issued.serial_number,
            renewal_in_s=round(self._due_in_s(entry)),
        )

    def _due_in_s(self, entry: _Entry) -> float:
        """How long until a leaf is to be renewed."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return max(min(entry.due - now, entry.due_monotonic - monotonic), entry.rests_until - monotonic)

    async def _pause(self) -> None:
        dues_s = [self._due_in_s(entry) for entry in self._entries.values() if entry.leaf is not None]
        pause_s = max(min([_LOOK_EVERY_S, *dues_s]), 0.0)
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _follow_roots(self) -> None:
        index, followed = 0, ""
        while True:
            try:
                options = ReadOptions(min_index=index, wait_s=WAIT_MAX_S)
                reading = (await self._kept.read(CARootsQuery(), options)).reading
                active = reading.value.active_root_id
                if index and active != followed and self._entries:
                    await self._spread_renewals(reading.value)
                followed = active
                index = reading.index
            except LictorError:
                await asyncio.sleep(self._rng.uniform(_RETRY_S_MIN / 2, _RETRY_S_MIN))

    async def _spread_renewals(self, roots: CARoots) -> None:
        """All agents learn of a new root together: ask at a pace that the servers can sign at."""
        members = len(await self._registry.members())
        spread_s = min(members * len(self._entries) / _CSRS_PER_S, _ROOT_SPREAD_S_MAX)
        self._log.info("agent.root.changed", root_id=roots.active_root_id, spread_s=round(spread_s, 3))
        self.root_changed(roots.active_root_id, spread_s)


def _leaf(issued: IssuedLeaf, private_key: str, previous: Leaf | None) -> Leaf:
    modify_index = issued.index if previous is None else max(issued.index, previous.modify_index + 1)
    return Leaf(
        serial_number=issued.serial_number,
        certificate=issued.certificate,
        private_key=private_key,
        service=issued.service,
        uri=issued.uri,
        valid_after=issued.valid_after,
        valid_before=issued.valid_before,
        root_id=issued.root_id,
        create_index=modify_index,
        modify_index=modify_index,
    )
