"""How old the state of a server may be: by what was proven, whatever waited to be read."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lictor_server.raft.messages import Append, SnapshotChunk
from tests.simulation.alone import Alone
from tests.simulation.clock import VirtualClock, virtual
from tests.simulation.operator import another_set
from tests.simulation.stage import Stage
from tests.simulation.voters import SETTINGS

LAG_S = 2 * SETTINGS.heartbeat_s + 3 * SETTINGS.tick_s
"""Of a follower: a heartbeat until its answer is vouched for, one more until the next, and looks at the clock."""
STOP_S = 5.8


@pytest.fixture
def three() -> Iterator[Stage]:
    """`n1` leads `n2` and `n3`; `s1` and `s2` are blank, and everybody reaches everybody."""
    stage = Stage(3)
    with stage.live():
        stage.elect("n1", *stage.nodes)
        stage.spend(0.5, *stage.nodes)
        yield stage
        assert not stage.invariants.violations


@pytest.fixture
def alone() -> Iterator[Alone]:
    clock = VirtualClock()
    with virtual(clock, random.Random(1)):
        yield Alone(clock)


def age_s(stage: Stage, node: str) -> float:
    with stage.at(node) as life:
        found = life.core.age_s
    assert found is not None
    return found


def contact_s(stage: Stage, node: str) -> float:
    with stage.at(node) as life:
        found = life.core.last_contact_s
    assert found is not None
    return found


def cut_off(stage: Stage, node: str) -> None:
    """Some of what is sent to it meanwhile waits."""
    stage.network.cut = {link for link in stage.network.links if node in link}
    others = [other for other in stage.nodes if other != node]
    for _ in range(10):
        stage.write("n1")
        stage.spend(STOP_S / 10, *others)
    stage.network.heal()


def test_an_idle_cluster_is_current_but_for_a_heartbeat_and_a_round_trip(three: Stage) -> None:
    for _ in range(50):
        three.spend(SETTINGS.tick_s, *three.nodes)
        assert age_s(three, "n1") == 0
        assert age_s(three, "n2") < LAG_S


def test_a_heartbeat_that_waited_does_not_make_a_stopped_server_fresh(three: Stage) -> None:
    cut_off(three, "n3")
    waiting = three.network.links["n1", "n3"]
    assert waiting
    while waiting:
        three.deliver(("n1", "n3"))
        assert contact_s(three, "n3") < 0.1
        assert age_s(three, "n3") >= STOP_S - LAG_S
    three.spend(3 * SETTINGS.heartbeat_s, *three.nodes)
    assert age_s(three, "n3") < LAG_S
    assert three.lives["n3"].core.applied_index == three.lives["n1"].core.applied_index


def test_a_leader_that_was_stopped_is_as_old_as_its_lease(three: Stage) -> None:
    cut_off(three, "n1")
    assert age_s(three, "n1") >= STOP_S - SETTINGS.election_min_s - LAG_S


def test_what_a_leader_knew_stays_known_when_it_leads_no_more(three: Stage) -> None:
    three.among("n1")
    three.spend(SETTINGS.leader_fallback_s + 0.3, "n1")
    assert three.leaders() == []
    assert 0.8 < age_s(three, "n1") < 1.6


def test_a_server_without_a_vote_is_as_current_as_one_with(three: Stage) -> None:
    assert three.changed("n1", another_set(three.lives["n1"].core.peer_set, "s1", voter=False))
    three.spend(1.0, *three.nodes)
    assert age_s(three, "s1") < LAG_S


def test_a_leader_whose_lease_is_forfeited_still_tells_its_followers_how_current_they_are(three: Stage) -> None:
    with three.at("n1") as life:
        vars(life.core)["_reign"].lease.forfeit()
    three.spend(1.0, *three.nodes)
    assert three.leaders() == ["n1"]
    assert age_s(three, "n1") < LAG_S
    assert age_s(three, "n2") < LAG_S + SETTINGS.heartbeat_s


def test_a_lone_leader_stays_current_when_it_takes_on_another_voter_who_is_not_there() -> None:
    stage = Stage(1)
    with stage.live():
        stage.elect("n1")
        assert age_s(stage, "n1") == 0
        assert stage.changed("n1", another_set(stage.lives["n1"].core.peer_set, "s1", voter=True))
        assert age_s(stage, "n1") < LAG_S


def test_a_restarted_server_has_no_age_before_its_state_is_proven_to_be_current(three: Stage) -> None:
    three.crash("n2")
    three.start("n2")
    with three.at("n2") as life:
        assert (life.core.age_s, life.core.caught_up) == (None, False)
    three.spend(1.0, *three.nodes)
    assert three.lives["n2"].core.caught_up
    assert age_s(three, "n2") < LAG_S


def test_a_piece_of_a_snapshot_makes_nobody_current(alone: Alone) -> None:
    alone.follow("n2", 1, (b"\x00x", 2, 1), commit=2)
    alone.core.pump()
    alone.clock.advance(STOP_S)
    alone.core.receive("n2", SnapshotChunk(1, 9, 1, 100, 0, b"piece").message())
    assert alone.core.last_contact_s == pytest.approx(0, abs=1e-3)
    assert alone.core.age_s == pytest.approx(STOP_S, abs=1e-3)


def test_a_heartbeat_of_a_version_that_does_not_say_counts_when_it_is_read(alone: Alone) -> None:
    alone.follow("n2", 1, (b"\x00x", 2, 1), commit=2)
    alone.core.pump()
    alone.clock.advance(STOP_S)
    alone.core.receive("n2", Append(1, 2, 1, (), 2, 7).message())
    assert alone.core.age_s == pytest.approx(0, abs=1e-3)


def test_each_claim_says_what_its_receiver_had_answered(alone: Alone) -> None:
    alone.lead()
    alone.replicated("n2", "n3")
    alone.heard(alone.last_seq(), "n2", "n3")
    seq = alone.last_seq()
    alone.clock.advance(SETTINGS.heartbeat_s)
    alone.core.pump()
    assert [alone.said("append_entries", node)[-1]["answered"] for node in ("n2", "n3", "n4")] == [seq, seq, 0]
