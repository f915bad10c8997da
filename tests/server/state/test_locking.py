"""Locks against a dumb twin, and the laws that clients count on, for any sequence of commands."""

from __future__ import annotations

import dataclasses

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.commands import Command, KVDelete, KVDeleteTree, KVSet, NodeUpdate, SessionCreate, SessionDestroy
from lictor_core.records import Session, SessionBehavior
from lictor_core.transactions import TransactionAnswer
from lictor_server.state import Store, apply
from lictor_server.state.snapshot import restore, state_hash, take
from tests.server.build import check, node, register, service, session
from tests.server.state import strategies as any_of
from tests.server.state.naive import NaiveStore

A, B, C = any_of.SESSIONS
FIRST = 3


@dataclasses.dataclass
class Twin:
    """Who holds which key, by the rules of Consul's documents; the catalog's part is the naive store's."""

    catalog: NaiveStore = dataclasses.field(default_factory=NaiveStore)
    sessions: dict[str, Session] = dataclasses.field(default_factory=dict[str, Session])
    holder: dict[str, str] = dataclasses.field(default_factory=dict[str, str])
    taken: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    barred: dict[str, int] = dataclasses.field(default_factory=dict[str, int])
    keys: set[str] = dataclasses.field(default_factory=set[str])
    now: int = 0

    def apply(self, index: int, command: Command) -> bool | None:
        """What the command should answer; None for a rejection."""
        self.now = max(self.now, getattr(command, "at_ms", 0))
        match command:
            case SessionCreate():
                return self._create(command.session)
            case SessionDestroy():
                self._end(command.id)
                return True
            case KVSet() if command.acquire:
                return self._acquire(command.key, command.acquire)
            case KVSet() if command.release:
                if self.holder.get(command.key) != command.release:
                    return False
                del self.holder[command.key]
                return True
            case KVSet():
                self.keys.add(command.key)
                return True
            case KVDelete() | KVDeleteTree():
                names = (
                    {command.key}
                    if isinstance(command, KVDelete)
                    else {key for key in self.keys if key.startswith(command.prefix)}
                )
                for key in names:
                    self._forget(key)
                return True
            case _:
                for step in _steps(command):
                    self.catalog.apply(index, step)
                    for one in list(self.sessions.values()):
                        if self._why_dead(one):
                            self._end(one.id)
                return True

    def _why_dead(self, one: Session) -> bool:
        if one.node.lower() not in self.catalog.nodes:
            return True
        found = [self.catalog.checks.get((one.node.lower(), name.lower())) for name in one.check_ids()]
        return any(each is None or each.status == "critical" for each in found)

    def _create(self, one: Session) -> bool | None:
        if one.id in self.sessions or self._why_dead(one):
            return None
        self.sessions[one.id] = one
        return True

    def _acquire(self, key: str, by: str) -> bool | None:
        if self.now < self.barred.get(key, 0):
            return False
        if by not in self.sessions:
            return None
        if self.holder.get(key, by) != by:
            return False
        if key not in self.holder:
            self.taken[key] = self.taken.get(key, 0) + 1
        self.keys.add(key)
        self.holder[key] = by
        return True

    def _end(self, id: str) -> None:
        one = self.sessions.pop(id, None)
        if one is None:
            return
        for key in [key for key, by in self.holder.items() if by == id]:
            del self.holder[key]
            if one.behavior is SessionBehavior.DELETE:
                self._forget(key)
            delay_ms = min(one.lock_delay_ns // 1_000_000, 60_000)
            self.barred[key] = max(self.barred.get(key, 0), self.now + delay_ms)

    def _forget(self, key: str) -> None:
        self.keys.discard(key)
        self.holder.pop(key, None)
        self.taken.pop(key, None)


def _steps(command: Command) -> list[Command]:
    """What is removed first and put again is gone for a moment: sessions end."""
    if not isinstance(command, NodeUpdate):
        return [command]
    return [
        msgspec.structs.replace(command, services=[], checks=[]),
        msgspec.structs.replace(command, gone_services=[], gone_checks=[]),
    ]


def renames(command: Command) -> bool:
    """Takes a node's checks away and puts others there, at once: sessions end, though the twin sees no gap."""
    return bool(getattr(getattr(command, "node", None), "id", ""))


START: list[Command] = [
    *(register(node(name), checks=[check("c1"), check("c2")]) for name in ("a", "b")),
    SessionCreate(session=session(A, node="a", delay_s=0, checks=["c1"])),
    SessionCreate(session=session(B, node="b", delay_s=5, behavior=SessionBehavior.DELETE)),
]
"""So that locks meet one another in most of the logs."""
PLAIN = st.builds(KVSet, key=st.sampled_from(any_of.KEYS), value=st.just(b"1"))
DELETES = st.builds(KVDelete, key=st.sampled_from(any_of.KEYS))
COMMANDS = st.one_of(
    any_of.lock_commands,
    any_of.lock_commands,
    any_of.lock_commands,
    any_of.catalog_commands.filter(lambda one: not renames(one)),
    PLAIN,
    DELETES,
    st.builds(KVDeleteTree, prefix=st.sampled_from(any_of.PREFIXES[1:])),
)


@given(st.lists(COMMANDS, max_size=40))
@settings(deadline=None)
def test_locks_are_held_as_their_twin_says(log: list[Command]) -> None:
    store, twin = Store("dc1"), Twin()
    for index, command in enumerate([*START, *log], FIRST):
        outcome, _ = apply(store, index, command)
        if outcome.rejection is not None and not isinstance(command, SessionCreate | KVSet):
            continue
        expected = twin.apply(index, command)
        assert (None if outcome.rejection else outcome.value) == expected, command
        assert {one.id for one in store.sessions.all()} == set(twin.sessions)
        held = {entry.key: entry.session for entry in store.kv.under("") if entry.session}
        assert held == twin.holder
        assert {entry.key for entry in store.kv.under("")} == twin.keys
        assert {entry.key: entry.lock_index for entry in store.kv.under("") if entry.lock_index} == twin.taken
        for one in store.sessions.all():
            assert store.kv.held_by(one.id) == sorted(key for key, by in twin.holder.items() if by == one.id)


@given(st.lists(COMMANDS, max_size=30), st.data())
@settings(deadline=None)
def test_a_snapshot_in_between_changes_no_lock(log: list[Command], data: st.DataObject) -> None:
    cut = data.draw(st.integers(min_value=0, max_value=len(log)))
    straight, first = Store("dc1"), Store("dc1")
    for index, command in enumerate([*START, *log], FIRST):
        apply(straight, index, command)
    for index, command in enumerate([*START, *log[:cut]], FIRST):
        apply(first, index, command)
    second = restore(take(first))
    for index, command in enumerate(log[cut:], FIRST + len(START) + cut):
        apply(second, index, command)
    assert state_hash(second) == state_hash(straight)


def test_a_lock_that_one_session_has_another_cannot_have() -> None:
    store = started(session(A), session(B))
    assert done(store, KVSet(key="k", value=b"1", acquire=A)) is True
    assert done(store, KVSet(key="k", value=b"2", acquire=B)) is False
    entry = store.kv.get("k")
    assert entry is not None
    assert (entry.session, entry.value) == (A, b"1")


def test_a_session_from_a_snapshot_gives_up_its_keys_when_it_ends() -> None:
    store = started(session(A, delay_s=5), session(B))
    done(store, KVSet(key="k", value=b"1", acquire=A, at_ms=1000))
    again = restore(take(store))
    done(again, SessionDestroy(id=A, at_ms=2000))
    entry = again.kv.get("k")
    assert entry is not None
    assert entry.session == ""
    later = restore(take(again))
    assert done(later, KVSet(key="k", value=b"1", acquire=B, at_ms=6999)) is False
    assert done(later, KVSet(key="k", value=b"1", acquire=B, at_ms=7000)) is True


def started(*sessions: Session) -> Store:
    store = Store("dc1")
    apply(store, FIRST, register(checks=[check("c1"), check("c2")], service=service("web")))
    for index, one in enumerate(sessions, FIRST + 1):
        outcome, _ = apply(store, index, SessionCreate(session=one))
        assert outcome.rejection is None
    return store


def done(store: Store, command: Command) -> bool | int | str:
    outcome, _ = apply(store, store.index + 1, command)
    assert not isinstance(outcome.value, TransactionAnswer)
    return outcome.value if outcome.rejection is None else outcome.rejection.message


def test_a_key_is_barred_for_the_lock_delay_of_the_session_that_ended_and_no_longer() -> None:
    store = started(session(A, delay_s=2), session(B))
    assert done(store, KVSet(key="k", value=b"", acquire=A, at_ms=1000)) is True
    assert done(store, SessionDestroy(id=A, at_ms=5000)) is True
    assert done(store, KVSet(key="k", value=b"", acquire=B, at_ms=6999)) is False
    assert done(store, KVSet(key="k", value=b"plain", at_ms=6999)) is True, "only locking has to wait"
    assert done(store, KVSet(key="k", value=b"", acquire=B, at_ms=7000)) is True


def test_a_lock_delay_beyond_the_bound_counts_as_the_bound_and_one_below_zero_as_none() -> None:
    store = started(session(A, delay_s=3600), session(B, delay_s=-5), session(C))
    for key, by in (("long", A), ("none", B)):
        done(store, KVSet(key=key, value=b"", acquire=by))
    done(store, SessionDestroy(id=A))
    done(store, SessionDestroy(id=B))
    assert done(store, KVSet(key="none", value=b"", acquire=C)) is True
    assert done(store, KVSet(key="long", value=b"", acquire=C, at_ms=59_999)) is False
    assert done(store, KVSet(key="long", value=b"", acquire=C, at_ms=60_000)) is True


def test_a_time_that_goes_back_shortens_no_lock_delay() -> None:
    store = started(session(A, delay_s=10), session(B))
    done(store, KVSet(key="k", value=b"", acquire=A, at_ms=50_000))
    done(store, SessionDestroy(id=A, at_ms=100))
    assert done(store, KVSet(key="k", value=b"", acquire=B, at_ms=59_999)) is False


def test_releasing_bars_nobody() -> None:
    store = started(session(A), session(B))
    done(store, KVSet(key="k", value=b"", acquire=A))
    assert done(store, KVSet(key="k", value=b"", release=B)) is False
    assert done(store, KVSet(key="k", value=b"", release=A)) is True
    assert done(store, KVSet(key="k", value=b"", acquire=B)) is True


def test_a_plain_write_leaves_the_lock_and_its_count_as_they_are() -> None:
    store = started(session(A))
    done(store, KVSet(key="k", value=b"1", acquire=A))
    done(store, KVSet(key="k", value=b"2"))
    entry = store.kv.get("k")
    assert entry is not None
    assert (entry.session, entry.lock_index, entry.value) == (A, 1, b"2")


def test_locking_again_what_one_holds_changes_nothing() -> None:
    store = started(session(A))
    done(store, KVSet(key="k", value=b"1", acquire=A))
    before = store.kv.get("k")
    assert done(store, KVSet(key="k", value=b"1", acquire=A)) is True
    assert store.kv.get("k") == before


def test_a_session_ends_with_its_check_of_an_instance_and_with_the_instance() -> None:
    store = started()
    done(store, register(service=service("web"), checks=[check("w", service_id="web")]))
    done(store, SessionCreate(session=session(A, service_checks=["W"])))
    done(store, register(checks=[check("w", service_id="web", status="warning")]))
    assert len(store.sessions) == 1
    done(store, register(checks=[check("w", service_id="web", status="critical")]))
    assert len(store.sessions) == 0


def test_why_a_session_cannot_begin_is_told_in_the_words_of_consul() -> None:
    store = started(session(A))
    done(store, register(checks=[check("bad", status="critical")]))
    wanted = {
        "Missing node registration": session(B, node="nobody"),
        "Missing check 'none' registration": session(B, checks=["none"]),
        "Check 'bad' is in critical state": session(B, checks=["c1", "bad"]),
        f"there is a session {A} already: give this one a new id": session(A),
    }
    assert {done(store, SessionCreate(session=one)) for one in wanted.values()} == set(wanted)
    assert done(store, KVSet(key="k", value=b"", acquire=B)) == f'invalid session "{B}"'
