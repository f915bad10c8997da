"""Anti-entropy as a machine: whatever is lost, restarted or changed by others, the catalog comes to what is here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lictor_agent.batches import Batch
from lictor_agent.local import LocalService, LocalState
from lictor_agent.persisted.forms import check_bytes, read_saved_check, read_saved_service, service_bytes
from lictor_agent.plan import REFUSED_AGAIN_S, SERVERS_BACK_S, SYNC_EVERY_S, Ask, Plan, Round, SyncTokens, cluster_scale
from lictor_agent.sync import output_due
from lictor_config.definitions import CheckDefinition
from lictor_core.agreement import plain_check, plain_service, same_node
from lictor_core.clock import SeededRng
from lictor_core.commands import Command, Deregister, NodeUpdate, Register
from lictor_core.queries import NodeChecksQuery, NodeDigestQuery, NodeServicesQuery
from lictor_core.records import Check, Service
from lictor_server.state import Store, answer, apply
from tests.agent.builders import NODE, check, local_check, local_service, node, service

OUTPUT_WAIT_S = 40.0
TTL = CheckDefinition(ttl_s=30)
IDS = st.sampled_from(["a", "b", "c"])
CHECKS = st.sampled_from(["1", "2", "3", "4"])
STATUSES = st.sampled_from(["passing", "warning", "critical"])


class World:
    """An agent's state and plan, and a catalog; time stands still unless it is moved."""

    def __init__(self, tokens: SyncTokens | None = None, seed: int = 1) -> None:
        self.store = Store("dc1")
        self.index = 9
        self.now = 1000.0
        self.local = LocalState()
        self.rng = SeededRng(seed)
        self.tokens = tokens or SyncTokens()
        self.writes: list[NodeUpdate] = []
        self.written_by: dict[str, str] = {}
        self.asked: list[Ask] = []
        self.late: list[Command] = []
        self.is_clean = False
        """Whether the plan alone changed the catalog since it last listed it."""
        self.apply(
            Register(
                node=msgspec.structs.replace(node(), meta=None, tagged_addresses=None),
                checks=[check("serfHealth", status="passing")],
            )
        )
        self.apply(Register(node=node(), service=service("consul"), skip_node_update=True))
        self.start()

    def start(self) -> None:
        """A new run of the agent, with the state that `local` has."""
        self.is_clean = False
        self.plan = Plan(self.local, node(), self.rng, output_wait_s=OUTPUT_WAIT_S, now=self.now, tokens=self.tokens)
        self.local.subscribe(self.plan.changed)

    def tamper(self, command: Command) -> None:
        """Somebody else's command, or one that nobody expects any more."""
        self.is_clean = False
        self.apply(command)

    def apply(self, command: Command) -> str:
        """Carry out a command; why it was refused, or nothing."""
        self.index += 1
        outcome, _ = apply(self.store, self.index, command)
        return "" if outcome.rejection is None else outcome.rejection.message

    def carry_out(self, step: Ask | Round, fates: Iterator[str]) -> bool:
        """Do a step as fate has it; False when the servers did not answer."""
        is_answered = True
        match step:
            case Ask():
                self.asked.append(step)
                if next(fates) != "well":
                    is_answered = False
                elif step is Ask.DIGEST:
                    self.plan.digest(answer(self.store, NodeDigestQuery(node=NODE)), self.now)
                else:
                    found = answer(self.store, NodeServicesQuery(node=NODE))
                    checks = answer(self.store, NodeChecksQuery(node=NODE))
                    self.is_clean = not self.late
                    self.plan.listing(
                        None if found is None else found.node, {} if found is None else found.services, checks, self.now
                    )
            case Round():
                for lane in step.lanes:
                    for place, batch in enumerate(lane):
                        if self.plan.holds_back(batch):
                            continue
                        if not self.write(batch, next(fates)):
                            for one in lane[place:]:
                                self.plan.lost(one)
                            is_answered = False
                            break
        if not is_answered:
            self.plan.failed(self.now)
        return is_answered

    def write(self, batch: Batch, fate: str) -> bool:
        command = batch.command(node())
        if fate == "late":
            self.late.append(command)
            self.is_clean = False
        if fate in ("lost", "late"):
            return False
        self.writes.append(command)
        self.written_by.update({one.id: batch.token for one in command.services})
        self.written_by.update({one.check_id: batch.token for one in command.checks})
        self.written_by.update(dict.fromkeys(command.gone_services, batch.token))
        reason = self.apply(command)
        if fate == "unheard":
            return False
        if reason:
            self.plan.refused(batch, self.now)
        else:
            self.plan.written(batch, self.now)
        return True

    def settle(self, looks: int = 0) -> None:
        """Let time pass, with servers that answer, until nothing is due and this many comparisons of all were made."""
        wanted = self.asked.count(Ask.DIGEST) + looks
        well = iter(lambda: "well", "")
        for _ in range(1000):
            step = self.plan.next(self.now)
            if step is not None:
                self.carry_out(step, well)
            elif self.asked.count(Ask.DIGEST) >= wanted:
                return
            else:
                due = self.plan.due_at()
                self.now = max(self.now, self.now if due is None else due)
        raise AssertionError("it does not come to rest")

    def catalog(self) -> tuple[dict[str, Service], dict[str, Check]]:
        """What the catalog has of this node, without what the servers keep there."""
        found = answer(self.store, NodeServicesQuery(node=NODE))
        services = {} if found is None else found.services
        checks = answer(self.store, NodeChecksQuery(node=NODE))
        return (
            {key: plain_service(one) for key, one in services.items() if key != "consul"},
            {one.check_id: plain_check(one) for one in checks if one.check_id != "serfHealth"},
        )

    def here(self) -> tuple[dict[str, Service], dict[str, Check]]:
        """What is registered, in the same form: the naive model of what the catalog must have."""
        return (
            {key: plain_service(one.service) for key, one in self.local.services.items()},
            {key: plain_check(one.check) for key, one in self.local.checks.items()},
        )


class AntiEntropy(RuleBasedStateMachine):
    """Random interleavings of registrations, health, lost answers, restarts and what others do to the catalog."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.is_alone = False
        """Whether nobody else changes the catalog, no command comes late, and the agent is not restarted."""

    @initialize(seed=st.integers(0, 99), tokens=st.booleans(), alone=st.booleans())
    def begin(self, seed: int, tokens: bool, alone: bool) -> None:
        self.world = World(SyncTokens("default", "agent") if tokens else None, seed)
        self.is_alone = alone
        if alone:
            self.world.settle(looks=1)

    @rule(id=IDS, port=st.integers(1, 2), override=st.booleans(), token=st.sampled_from(["", "t"]))
    def register(self, id: str, port: int, override: bool, token: str) -> None:
        one = service(id, port=port, enable_tag_override=override)
        self.world.local.put_service(LocalService(service=one, token=token))

    @rule(id=IDS)
    def deregister(self, id: str) -> None:
        self.world.local.remove_service(id)

    @rule(id=CHECKS, owner=st.sampled_from(["", "a", "b", "c"]), token=st.sampled_from(["", "t", "u"]))
    def register_check(self, id: str, owner: str, token: str) -> None:
        if not owner or owner in self.world.local.services:
            one = replace(local_check(id, service_id=owner, definition=TTL), token=token)
            self.world.local.put_check(one, self.world.now)

    @rule(id=CHECKS)
    def deregister_check(self, id: str) -> None:
        self.world.local.remove_check(id)

    @rule(id=CHECKS, status=STATUSES, output=st.sampled_from(["", "o", "p" * 5000]))
    def look(self, id: str, status: str, output: str) -> None:
        self.world.local.set_status(id, status, output, self.world.now)

    @rule(fates=st.lists(st.sampled_from(["well", "well", "well", "lost", "late", "unheard"]), min_size=1, max_size=6))
    def step(self, fates: list[str]) -> None:
        step = self.world.plan.next(self.world.now)
        if step is not None:
            self.world.carry_out(
                step, _endless(["unheard" if self.is_alone and one == "late" else one for one in fates])
            )

    @rule(seconds=st.sampled_from([0.1, 1.0, 20.0, 100.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.late)
    @rule()
    def what_was_late_arrives(self) -> None:
        self.world.tamper(self.world.late.pop(0))

    @precondition(lambda self: not self.is_alone)
    @rule(id=st.sampled_from(["a", "stranger"]), tags=st.lists(st.sampled_from("tu"), max_size=1))
    def others_register(self, id: str, tags: list[str]) -> None:
        one = service(id, port=9, tags=tuple(tags))
        self.world.tamper(Register(node=node(), service=one, checks=[check("1", service_id=id)], skip_node_update=True))

    @precondition(lambda self: not self.is_alone)
    @rule(id=st.sampled_from(["a", "b"]))
    def others_deregister(self, id: str) -> None:
        self.world.tamper(Deregister(node=NODE, service_id=id))

    @precondition(lambda self: not self.is_alone)
    @rule()
    def others_change_the_node(self) -> None:
        self.world.tamper(Register(node=msgspec.structs.replace(node(), meta={"x": "y"})))

    @precondition(lambda self: not self.is_alone)
    @rule()
    def the_catalog_forgets_the_node(self) -> None:
        self.world.tamper(Deregister(node=NODE))

    @precondition(lambda self: not self.is_alone)
    @rule(keeps=st.booleans())
    def restart(self, keeps: bool) -> None:
        before, self.world.local = self.world.local, LocalState()
        if keeps:
            for one in before.services.values():
                saved = read_saved_service(service_bytes(one))
                self.world.local.put_service(LocalService(service=saved.service, token=saved.token))
            for check_ in before.checks.values():
                kept = read_saved_check(check_bytes(check_))
                again = local_check(kept.check_id, service_id=kept.service_id, definition=kept.definition)
                self.world.local.put_check(replace(again, token=kept.token), self.world.now)
        self.world.start()

    @invariant()
    def the_servers_own_is_left_alone(self) -> None:
        found = answer(self.world.store, NodeServicesQuery(node=NODE))
        if found is not None and self.world.writes:
            assert not any("consul" in command.gone_services for command in self.world.writes)
            assert not any("serfHealth" in command.gone_checks for command in self.world.writes)

    def teardown(self) -> None:
        listed, was_clean = self.world.asked.count(Ask.LISTING), self.world.is_clean
        self.world.settle(looks=1)
        if was_clean:
            assert self.world.asked.count(Ask.LISTING) == listed, "it knows what the catalog has without looking"
        for command in self.world.late:
            self.world.apply(command)
        self.world.settle(looks=1)
        self.world.now += 2 * OUTPUT_WAIT_S  # outputs that changed alone are told by then
        self.world.settle(looks=1)
        assert self.world.catalog() == self.world.here()
        stored = self.world.store.catalog.node(NODE)
        assert stored is not None
        assert same_node(stored, node())
        written = len(self.world.writes)
        self.world.settle(looks=3)
        assert len(self.world.writes) == written, "what agrees is not written again"


def _endless(fates: list[str]) -> Iterator[str]:
    while True:
        yield from fates


TestAntiEntropy = AntiEntropy.TestCase
TestAntiEntropy.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)


def test_each_change_is_told_once() -> None:
    world = World()
    world.settle(looks=1)
    before = len(world.writes)
    for number in range(50):
        world.local.put_service(local_service(f"s{number}"))
        world.local.put_check(local_check(f"c{number}", service_id=f"s{number}"), world.now)
    world.settle(looks=2)
    told = world.writes[before:]
    assert [one.id for command in told for one in command.services] == sorted(f"s{number}" for number in range(50))
    assert len([one for command in told for one in command.checks]) == 50
    assert len(told) == 1, "in one command"


def test_an_output_that_changed_again_after_it_was_told_is_told_in_its_own_time() -> None:
    world = World()
    world.local.put_check(local_check("c", status="passing"), world.now)
    world.settle(looks=1)
    world.plan.digest(answer(world.store, NodeDigestQuery(node=NODE)), world.now)  # the next comparison is far away
    world.local.set_status("c", "passing", "one", world.now)
    early = output_due(world.local.checks["c"], OUTPUT_WAIT_S)
    world.now += 1
    world.local.set_status("c", "critical", "two", world.now)
    world.settle()
    world.now += 1
    world.local.set_status("c", "critical", "three", world.now)
    due = output_due(world.local.checks["c"], OUTPUT_WAIT_S)
    world.settle()
    assert early is not None
    assert due is not None
    world.now = early
    world.settle()
    assert world.plan.due_at() == due


def test_while_the_catalog_agrees_nothing_is_listed() -> None:
    world = World()
    world.local.put_service(local_service())
    world.settle(looks=1)
    listed = world.asked.count(Ask.LISTING)
    world.settle(looks=5)
    assert (listed, world.asked.count(Ask.LISTING)) == (1, 1)
    world.apply(Deregister(node=NODE, service_id="web"))
    world.settle(looks=2)
    assert world.asked.count(Ask.LISTING) == 2
    assert world.catalog() == world.here()


def test_one_that_is_refused_keeps_nothing_else_back_and_is_tried_again_later() -> None:
    world = World()
    world.settle(looks=1)
    world.local.put_service(local_service("good"))
    world.local.put_service(local_service("bad"))
    refused = 0

    def carry_out(step: Ask | Round) -> None:
        nonlocal refused
        assert isinstance(step, Round)
        for batch in (one for lane in step.lanes for one in lane):
            if any(one.id == "bad" for one in batch.command(node()).services):
                refused += world.plan.refused(batch, world.now)
            else:
                world.write(batch, "well")

    while (step := world.plan.next(world.now)) is not None:
        carry_out(step)
    assert (set(world.catalog()[0]), refused) == ({"good"}, 1)
    due = world.plan.due_at()
    assert due is not None
    assert 0 < due - world.now <= 1.25 * REFUSED_AGAIN_S
    world.settle(looks=1)
    assert set(world.catalog()[0]) == {"good", "bad"}


def test_a_node_whose_name_another_has_writes_next_to_nothing_and_all_once_it_is_free() -> None:
    world = World()
    world.store = Store("dc1")
    other = msgspec.structs.replace(node(), id="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb", address="192.0.2.9")
    world.apply(Register(node=other, service=service("its"), checks=[check("serfHealth", status="passing")]))
    for number in range(300):
        world.local.put_service(local_service(f"s{number}"))
    world.settle(looks=1)
    before = len(world.writes)
    world.settle(looks=4)
    assert len(world.writes) - before <= 4
    assert set(world.catalog()[0]) == {"its"}
    world.apply(Register(node=other, checks=[check("serfHealth", status="critical")]))
    world.settle(looks=2)
    assert world.catalog() == world.here()


def _look_after_outage(nodes: int, seed: int) -> float:
    """How long after the servers took a change again the whole is compared."""
    world = World(seed=seed)
    world.settle(looks=1)
    world.plan.nodes = nodes
    world.local.put_service(local_service())
    step = world.plan.next(world.now)
    assert step is not None
    world.carry_out(step, iter(["lost"]))
    world.now = world.plan.due_at() or world.now
    step = world.plan.next(world.now)
    assert isinstance(step, Round), "the change goes first"
    world.carry_out(step, iter(["well"]))
    due = world.plan.due_at()
    assert due is not None
    return due - world.now


def test_after_an_outage_the_whole_is_compared_soon() -> None:
    assert 0 <= _look_after_outage(1, 1) <= SERVERS_BACK_S


def test_five_thousand_agents_spread_what_they_do_after_an_outage() -> None:
    moments = [_look_after_outage(5000, seed) for seed in range(200)]
    buckets = [sum(second <= moment < second + 3 for moment in moments) for second in range(0, 21, 3)]
    assert sum(buckets) == len(moments)
    assert max(buckets) < 2 * len(moments) / len(buckets)


def test_tokens_of_services_checks_and_the_agent_are_used_for_their_own() -> None:
    world = World(SyncTokens("default", "agent"))
    world.local.put_service(LocalService(service=service("own"), token="own"))
    world.local.put_service(local_service("none"))
    world.local.put_check(replace(local_check("c", service_id="own"), token="check"), world.now)
    world.apply(Register(node=node(), service=service("stranger"), skip_node_update=True))
    world.settle(looks=1)
    assert world.written_by == {"own": "own", "none": "default", "c": "check", "stranger": "agent"}
    world.local.remove_service("own")
    world.settle()
    assert world.written_by["own"] == "own", "what is removed, by the token that it was registered with"


def test_what_is_gone_everywhere_is_not_remembered() -> None:
    world = World()
    world.settle(looks=1)
    for number in range(20):
        world.local.put_service(LocalService(service=service(f"s{number}"), token="t"))
        world.local.put_check(replace(local_check(f"c{number}", service_id=f"s{number}"), token="u"), world.now)
        world.settle()
        world.local.remove_service(f"s{number}")
        world.settle()
    world.settle(looks=1)
    assert world.catalog() == ({}, {})
    assert world.plan.remembered == 0


@pytest.mark.parametrize(("nodes", "scale"), [(0, 1), (1, 1), (128, 1), (129, 2), (256, 2), (257, 3), (1024, 4)])
def test_larger_clusters_compare_less_often(nodes: int, scale: int) -> None:
    assert cluster_scale(nodes) == scale
    world = World()
    world.plan.nodes = nodes
    world.plan.listing(node(), {}, [], world.now)
    world.plan.next(world.now)
    due = world.plan.due_at()
    assert due is not None
    assert 0.75 * SYNC_EVERY_S * scale <= due - world.now <= 1.25 * SYNC_EVERY_S * scale


def test_the_time_between_comparisons_is_settable() -> None:
    world = World()
    world.plan = Plan(
        world.local, node(), world.rng, output_wait_s=1.0, now=0.0, tokens=SyncTokens(), sync_every_s=600.0
    )
    world.plan.listing(node(), {}, [], world.now)
    world.plan.next(world.now)
    due = world.plan.due_at()
    assert due is not None
    assert 450 <= due - world.now <= 750


def test_what_was_lost_and_is_wanted_no_more_goes_without_a_listing() -> None:
    world = World()
    world.settle(looks=1)
    world.local.put_service(local_service())
    step = world.plan.next(world.now)
    assert step is not None
    world.carry_out(step, iter(["unheard"]))
    world.local.remove_service("web")
    world.settle(looks=1)
    assert world.catalog() == ({}, {})
    assert world.asked.count(Ask.LISTING) == 1


def test_checks_that_a_lost_removal_may_have_taken_along_are_told_again() -> None:
    world = World()
    world.local.put_service(local_service())
    world.local.put_check(local_check("c", service_id="web"), world.now)
    world.settle(looks=1)
    check_before, service_before = world.local.checks["c"], world.local.services["web"]
    world.local.remove_service("web")
    step = world.plan.next(world.now)
    assert step is not None
    world.carry_out(step, iter(["unheard"]))
    world.local.put_service(service_before)
    world.local.put_check(check_before, world.now)
    world.settle(looks=1)
    assert world.catalog() == world.here()
    assert world.asked.count(Ask.LISTING) == 1
