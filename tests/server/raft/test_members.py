"""Who belongs to the cluster, by the log: what is in effect, what may follow it, and who counts."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import PeerError
from lictor_core.peers import PeerSet
from lictor_server.raft.log import LogEntry
from lictor_server.raft.members import BLANK, SERVERS_MAX, Members, agreed, change_problem, decoded, encoded
from tests.support.peers import peers


def entry(peer_set: PeerSet, index: int) -> LogEntry:
    return encoded(peer_set), index, 1


def test_a_server_without_a_set_is_blank_and_no_voter() -> None:
    members = Members("n1", None, [(b"\x01", 1, 0), (b"\x00x", 2, 1)])
    assert members.is_blank
    assert not members.is_voter
    assert members.latest == BLANK


def test_the_last_set_in_the_log_is_in_effect() -> None:
    members = Members("n1", None, [entry(peers("n1"), 2), (b"\x00x", 3, 1), entry(peers("n1", "n2"), 4)])
    assert members.latest == peers("n1", "n2", index=4)
    assert members.other_voters == ("n2",)
    assert not members.is_lone


def test_sets_before_that_of_the_snapshot_are_old() -> None:
    members = Members("n1", peers("n1", "n2", index=5), [entry(peers("n1"), 4), (b"\x00x", 6, 1)])
    assert members.latest.index == 5


def test_a_set_that_is_cut_off_gives_way_to_the_one_before() -> None:
    members = Members("n1", None, [entry(peers("n1"), 2), entry(peers("n1", "n2"), 5)])
    assert not members.truncate(5)
    assert members.truncate(4)
    assert members.latest == peers("n1", index=2)
    assert members.is_lone
    assert members.truncate(1)
    assert members.is_blank


def test_a_settled_set_is_the_oldest_one_kept() -> None:
    members = Members("n1", None, [entry(peers("n1"), 2), entry(peers("n1", "n2"), 5), entry(peers("n2"), 9)])
    assert members.at(4).index == 2
    members.settle(5)
    assert [members.at(index).index for index in (4, 5, 8, 9)] == [0, 5, 5, 9]
    assert not members.is_voter


def test_a_non_voter_receives_the_log_and_does_not_count() -> None:
    members = Members("n1", peers("n1", others=("n2",)), [])
    assert members.others == ("n2",)
    assert members.other_voters == ()
    assert members.is_lone


def test_what_a_set_says_of_its_index_is_not_believed() -> None:
    assert decoded(encoded(peers("n1", index=99)), 3) == peers("n1", index=3)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_set_or_one_error(data: bytes) -> None:
    try:
        peer_set = decoded(b"\x02" + data, 7)
    except PeerError:
        return
    assert change_problem(BLANK, peer_set) is None


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (peers("a", "b", "c", "d"), None),
        (peers("a", "b"), None),
        (peers("a", "b", others=("c",)), None),
        (peers("a", "b", "c", others=("d", "e")), None),
        (peers("a", "b", "c"), None),
        (peers("a", "b", "d"), "one after another"),
        (peers("a"), "one after another"),
        (peers(others=("a", "b", "c")), "no voter"),
        (peers("a", "b", "c", "c"), "twice"),
        (peers("a", "b", "c", ""), "without an id"),
        (msgspec.structs.replace(peers("a", "b", "c"), cluster_id="c2"), "another cluster"),
        (msgspec.structs.replace(peers("a", "b", "c"), cluster_id=""), "no cluster"),
        (peers("a", "b", "c", others=[str(number) for number in range(SERVERS_MAX)]), "more than 64"),
    ],
)
def test_two_sets_in_a_row_differ_by_one_voter(after: PeerSet, problem: str | None) -> None:
    found = change_problem(peers("a", "b", "c"), after)
    assert (found is None) if problem is None else (found is not None and problem in found)


@given(st.integers(1, 5), st.integers(0, 2**16))
def test_majorities_of_two_sets_in_a_row_share_a_server(size: int, seed: int) -> None:
    chance = random.Random(seed)
    before = [f"n{number}" for number in range(size)]
    after = [*before, "new"] if chance.random() < 0.5 or size == 1 else before[1:]
    assert change_problem(peers(*before), peers(*after)) is None
    a = chance.sample(before, len(before) // 2 + 1)
    b = chance.sample(after, len(after) // 2 + 1)
    assert set(a) & set(b)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.none() | st.integers(0, 20))
def test_what_is_agreed_is_reached_by_a_majority_and_no_more_is(others: list[int], own: int | None) -> None:
    everybody = others if own is None else [own, *others]
    found = agreed(own, others)
    assert 2 * sum(value >= found for value in everybody) > len(everybody)
    assert 2 * sum(value > found for value in everybody) <= len(everybody)


def test_who_is_being_removed_may_stand_until_that_is_committed_and_needs_a_majority_without_itself() -> None:
    members = Members("n1", None, [entry(peers("n1", "n2", "n3"), 2), entry(peers("n2", "n3"), 5)])
    assert members.may_stand(4)
    assert members.votes_needed == 2
    assert not members.may_stand(5)
    never = Members("n1", None, [entry(peers("n2", "n3"), 2), entry(peers("n2", "n3", others=("n1",)), 5)])
    assert not never.may_stand(1)


@pytest.mark.parametrize(("voters", "needed"), [(("n1",), 0), (("n1", "n2"), 1), (("n1", "n2", "n3"), 1)])
def test_a_voter_needs_the_rest_of_a_majority(voters: tuple[str, ...], needed: int) -> None:
    assert Members("n1", peers(*voters), []).votes_needed == needed
