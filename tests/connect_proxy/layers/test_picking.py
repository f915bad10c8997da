"""The ways to pick, each against what it promises."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lictor_connect_proxy.layers.outliers import Member
from lictor_connect_proxy.layers.picking import by_chance, by_client, by_turns, least_busy
from lictor_core.clock import SeededRng
from tests.connect_proxy.build import endpoint

CLIENTS = [f"10.0.{number // 250}.{number % 250}" for number in range(2000)]


def _members(*weights: int) -> list[Member]:
    return [Member(endpoint(number)._replace(weight=weight), 0.0) for number, weight in enumerate(weights)]


def test_a_client_always_gets_the_same_instance_in_whatever_order_they_are_told() -> None:
    members = _members(1, 1, 1)
    for client in CLIENTS[:50]:
        assert by_client(members, 0.0, client) is by_client(members[::-1], 0.0, client)


@given(gone=st.integers(0, 4))
def test_when_an_instance_goes_its_clients_alone_move(gone: int) -> None:
    members = _members(1, 1, 1, 1, 1)
    rest = [member for number, member in enumerate(members) if number != gone]
    for client in CLIENTS[:200]:
        before = by_client(members, 0.0, client)
        if before is not members[gone]:
            assert by_client(rest, 0.0, client) is before


def test_when_an_instance_comes_its_share_of_clients_moves_to_it_and_nobody_else() -> None:
    members = _members(1, 1, 1, 1)
    before = {client: by_client(members[:3], 0.0, client) for client in CLIENTS}
    after = {client: by_client(members, 0.0, client) for client in CLIENTS}
    moved = [client for client in CLIENTS if before[client] is not after[client]]
    assert {after[client].endpoint for client in moved} == {members[3].endpoint}
    assert 0.21 < len(moved) / len(CLIENTS) < 0.29


def test_clients_are_shared_out_by_weight() -> None:
    members = _members(3, 1)
    found = Counter(by_client(members, 0.0, client).endpoint.instance for client in CLIENTS)
    assert 0.72 < found[members[0].endpoint.instance] / len(CLIENTS) < 0.78


def test_who_is_due_first_has_the_turn_and_turns_that_passed_are_gone() -> None:
    one, two = _members(1, 1)
    one.turn, two.turn = 5.0, 3.0
    assert by_turns([one, two], 0.0) is two
    assert by_turns([one, two], 7.0) is one


@given(loads=st.lists(st.integers(0, 20), min_size=1, max_size=10))
def test_nobody_is_less_busy_than_the_one_that_is_picked(loads: list[int]) -> None:
    members = _members(*[1] * len(loads))
    for member, load in zip(members, loads, strict=True):
        member.active = load
    assert least_busy(members, 0.0, 0.0).active == min(loads)


def test_chance_comes_from_the_source_that_is_passed_in() -> None:
    members = _members(1, 1, 1, 1)
    drawn = [[by_chance(members, 0.0, rng) for _ in range(20)] for rng in (SeededRng(7), SeededRng(7))]
    assert drawn[0] == drawn[1]
