"""The core of a lone voter: what it commits, in which order, and that nothing of pysyncobj's pickling is left."""

from __future__ import annotations

import pickle  # noqa: TID251 to show that pickles are not read
import re
from pathlib import Path

import pytest
from pysyncobj import SyncObj

from lictor_core.errors import PeerError
from lictor_server.raft import core as module
from lictor_server.raft.core import RaftCore
from lictor_server.raft.guard import PINNED_VERSION, PRIVATE_METHODS, PRIVATE_NAMES, guard
from lictor_server.raft.memory_log import MemoryLog
from lictor_server.raft.outcome import Reason
from lictor_server.raft.settings import RaftSettings
from lictor_server.raft.wire import LoneWire, Message
from tests.support.peers import peers

NODE = "n1"


class Machine:
    """Keeps what was applied, and what came back."""

    def __init__(self) -> None:
        self.applied: list[tuple[int, bytes]] = []
        self.answers: list[tuple[object, Reason]] = []

    def apply(self, index: int, payload: bytes) -> object:
        self.applied.append((index, payload))
        return len(self.applied)

    def done(self, result: object, reason: Reason) -> None:
        self.answers.append((result, reason))


@pytest.fixture
def machine() -> Machine:
    return Machine()


def lone(machine: Machine, *, settings: RaftSettings | None = None, log: MemoryLog | None = None) -> RaftCore:
    log = MemoryLog() if log is None else log
    settings = settings or RaftSettings()
    core = RaftCore(NODE, None, settings=settings, log=log, wire=LoneWire(), apply=machine.apply)
    if core.is_blank:
        core.found(peers(NODE))
    return core


def leading(machine: Machine, *, settings: RaftSettings | None = None, log: MemoryLog | None = None) -> RaftCore:
    core = lone(machine, settings=settings, log=log)
    core.pump()
    core.pump()
    return core


def test_lone_voter_leads_after_its_first_pump(machine: Machine) -> None:
    core = lone(machine)
    assert not core.is_leader
    core.pump()
    assert core.is_leader
    assert (core.leader, core.term) == (NODE, 1)


def test_leader_knows_what_is_committed_once_its_no_op_is(machine: Machine) -> None:
    core = lone(machine)
    assert not core.knows_commits
    core.pump()
    core.pump()
    assert core.knows_commits


def test_commands_are_applied_in_order_within_one_pump(machine: Machine) -> None:
    core = leading(machine)
    before = core.applied_index
    for number in range(100):
        core.submit(b"%d" % number, machine.done)
    assert core.pump() is False
    assert machine.applied == [(before + 1 + number, b"%d" % number) for number in range(100)]
    assert machine.answers == [(number + 1, Reason.SUCCESS) for number in range(100)]
    assert core.applied_index == core.commit_index == before + 100


def test_command_without_a_leader_is_refused_for_sure(machine: Machine) -> None:
    core = lone(machine)
    core.submit(b"x", machine.done)
    assert machine.answers == [(None, Reason.NOT_LEADER)]
    core.pump()
    core.pump()
    assert machine.applied == []


def test_full_queue_refuses_for_sure(machine: Machine) -> None:
    core = leading(machine, settings=RaftSettings(queue_max=2))
    for _ in range(3):
        core.submit(b"x", machine.done)
    assert machine.answers == [(None, Reason.QUEUE_FULL)]
    core.pump()
    assert len(machine.applied) == 2


def test_apply_has_a_budget_and_says_that_more_is_left(machine: Machine) -> None:
    core = leading(machine, settings=RaftSettings(apply_batch_max=3))
    for _ in range(7):
        core.submit(b"x", machine.done)
    counts: list[int] = []
    while core.pump():
        counts.append(len(machine.applied))
    assert counts == [3, 6]
    assert len(machine.applied) == 7


def test_a_pickle_is_an_opaque_command(machine: Machine) -> None:
    core = leading(machine)
    hostile = pickle.dumps(_Bomb())
    core.submit(hostile, machine.done)
    core.pump()
    assert machine.applied[-1][1] == hostile


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("a pickle was loaded",)


def test_log_entry_of_another_kind_stops_the_core_and_is_not_unpickled(machine: Machine) -> None:
    log = MemoryLog()
    core = leading(machine, log=log)
    log.add(bytes([3]) + pickle.dumps(_Bomb()), log[-1][1] + 1, core.term)
    with pytest.raises(AssertionError, match="unknown kind"):
        core.pump()


def test_log_entry_that_should_be_a_peer_set_and_is_a_pickle_stops_the_start(machine: Machine) -> None:
    log = MemoryLog()
    log.add(b"\x01", 1, 0)
    log.add(b"\x02" + pickle.dumps(_Bomb()), 2, 1)
    with pytest.raises(PeerError, match="entry 2 holds no peer set"):
        lone(machine, log=log)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "append_reply", "term": 1, "verified": 3, "rejected": 0},
        {"type": "heard", "term": 1, "seq": 1},
        {"type": "response_vote", "term": 1},
        {"type": "pre_vote_reply", "term": 1, "asked": 2, "granted": True},
        {"type": "timeout_now", "term": 1},
    ],
)
def test_answers_of_strangers_count_for_nothing(machine: Machine, message: Message) -> None:
    core = leading(machine)
    core.receive("stranger", message)
    core.pump()
    assert core.is_leader
    assert core.term == 1
    assert core.progress() == {}


@pytest.mark.parametrize("kind", ["apply_command", "apply_command_response"])
def test_commands_from_other_servers_are_refused(machine: Machine, kind: str) -> None:
    core = leading(machine)
    with pytest.raises(PeerError):
        core.receive("stranger", {"type": kind, "term": 1, "command": b"\x00x", "request_id": 1})
    core.pump()
    assert machine.applied == []


def test_command_of_an_earlier_term_at_an_index_is_told_as_discarded(machine: Machine) -> None:
    core = leading(machine)
    waiting: dict[int, list[object]] = getattr(core, "_SyncObj__commandsWaitingCommit")  # noqa: B009 mangled otherwise
    waiting[core.applied_index + 1] = [(core.term - 1, machine.done)]
    core.submit(b"x", machine.done)
    core.pump()
    assert machine.answers == [(None, Reason.DISCARDED), (1, Reason.SUCCESS)]


def test_old_entries_are_dropped_from_memory(machine: Machine) -> None:
    log = MemoryLog()
    core = leading(machine, settings=RaftSettings(log_entries_max=100), log=log)
    for _ in range(50):
        for _ in range(10):
            core.submit(b"x", machine.done)
        core.pump()
    assert len(machine.applied) == 500
    assert len(log) <= 110


class SlowLog(MemoryLog):
    """A log whose entries reach the disk when the test says so."""

    durable_to = 0

    @property
    def is_durable(self) -> bool:
        return self[-1][1] <= self.durable_to

    def sync(self) -> None:
        self.durable_to = self[-1][1]


def test_a_lone_voter_commits_nothing_that_is_not_durable(machine: Machine) -> None:
    log = SlowLog()
    core = lone(machine, log=log)
    assert core.pump() is False
    assert not core.is_leader
    for _ in range(3):
        log.sync()
        core.pump()
    assert core.knows_commits
    core.submit(b"x", machine.done)
    for _ in range(5):
        core.pump()
    assert machine.applied == []
    log.sync()
    core.pump()
    assert [payload for _, payload in machine.applied] == [b"x"]


def test_commands_that_did_not_enter_the_log_are_refused_for_sure(machine: Machine) -> None:
    log = SlowLog()
    core = lone(machine, log=log)
    for _ in range(3):
        log.sync()
        core.pump()
    core.submit(b"in the log", machine.done)
    core.pump()
    core.submit(b"not in the log", machine.done)
    core.pump()
    core.refuse_queued()
    assert machine.answers == [(None, Reason.NOT_LEADER)]


class SnapshotLog(MemoryLog):
    """A log opened with a snapshot that ends at entry 7."""

    def __init__(self) -> None:
        super().__init__()
        for index in range(7, 10):
            self.add(b"\0%d" % index, index, 2)

    @property
    def snapshot_index(self) -> int:
        return 7

    def getRaftCommitIndex(self) -> int:
        return 7


def test_what_a_snapshot_holds_is_not_applied_again(machine: Machine) -> None:
    core = leading(machine, log=SnapshotLog())
    assert machine.applied == [(8, b"8"), (9, b"9")]
    assert core.term == 3
    assert core.term_of(9) == 2


def test_guard_refuses_another_version() -> None:
    with pytest.raises(ImportError, match=r"exactly 0\.3\.17"):
        guard("0.3.18", PRIVATE_METHODS, lambda name: True)


def test_guard_names_what_is_missing() -> None:
    with pytest.raises(ImportError, match="_SyncObj__gone"):
        guard(PINNED_VERSION, frozenset({"_SyncObj__gone"}), lambda name: hasattr(SyncObj, name))


def test_guard_knows_the_private_names_that_the_module_uses_and_no_others() -> None:
    text = Path(module.__file__).read_text()
    ours = "_SyncObj__[A-Za-z]+|_poller|_applyCommand|_isLeader|_getLeader|_onTick|_onNode[A-Za-z]+"
    used = set(re.findall(rf"(?:self|super\(\))\.({ours})", text)) | set(re.findall(rf"def ({ours})", text))
    assert used == PRIVATE_NAMES
