"""Founding: who coordinates, and that no server belongs to two clusters."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_server.cluster.cards import Promise
from lictor_server.cluster.founding import Founding, founders_among, founding_set
from tests.server.cluster.build import card


def test_the_lowest_id_coordinates_once_enough_have_met() -> None:
    cards = [card(number) for number in (3, 1, 2)]
    assert founders_among(card(1), [cards[0]]) == ()
    assert founders_among(card(1), [cards[0], cards[2]]) == (card(1), card(2), card(3))
    assert founders_among(card(2), [cards[0], cards[1]]) == ()


def test_a_cluster_that_is_there_is_joined_rather_than_another_founded() -> None:
    assert founders_among(card(1), [card(2), card(3), card(4, cluster_id="c")]) == ()


def test_servers_that_expect_another_number_do_not_count() -> None:
    assert founders_among(card(1), [card(2), card(3, expect=5)]) == ()
    assert founders_among(card(1, expect=0), [card(2), card(3)]) == ()


def test_a_server_of_one_founds_alone() -> None:
    assert founders_among(card(7, expect=1), []) == (card(7, expect=1),)


def test_the_founders_are_all_voters() -> None:
    made = founding_set("c", [card(1), card(2)])
    assert made.voters == {"id-1", "id-2"}
    assert made.cluster_id == "c"


def promise(coordinator: int, founders: tuple[int, ...]) -> Promise:
    return Promise(
        coordinator=f"id-{coordinator}",
        cluster_id=f"cluster-of-{coordinator}",
        founders=tuple(f"id-{number}" for number in founders),
    )


def test_a_late_release_of_an_earlier_attempt_frees_nobody() -> None:
    founding = Founding("id-2")
    first = promise(1, (1, 2, 3))
    second = msgspec.structs.replace(first, cluster_id="second")
    founding.asked(first, own_cluster_id="")
    founding.asked(second, own_cluster_id="")
    founding.asked(msgspec.structs.replace(first, founders=()), own_cluster_id="")
    assert founding.cluster_id == "second"
    with pytest.raises(RequestError, match="promised itself"):
        founding.asked(promise(2, (2, 3, 4)), own_cluster_id="")


def test_a_promise_excludes_every_other_coordinator_until_it_is_released() -> None:
    founding = Founding("id-2")
    founding.asked(promise(1, (1, 2, 3)), own_cluster_id="")
    assert founding.cluster_id == "cluster-of-1"
    with pytest.raises(RequestError, match="promised itself to the cluster that server id-1"):
        founding.asked(promise(2, (2, 3, 4)), own_cluster_id="")
    founding.asked(promise(3, ()), own_cluster_id="")
    assert founding.cluster_id == "cluster-of-1", "only its coordinator releases a promise"
    founding.asked(promise(1, ()), own_cluster_id="")
    founding.asked(promise(2, (2, 3, 4)), own_cluster_id="")
    assert founding.cluster_id == "cluster-of-2"


def test_a_member_of_a_cluster_promises_nothing() -> None:
    with pytest.raises(RequestError, match="belongs to the cluster c already"):
        Founding("id-1").asked(promise(2, (1, 2)), own_cluster_id="c")


def test_nobody_promises_what_is_not_about_him() -> None:
    with pytest.raises(RequestError, match="not to belong to"):
        Founding("id-9").asked(promise(2, (1, 2)), own_cluster_id="")


@given(st.lists(st.tuples(st.integers(0, 4), st.frozensets(st.integers(0, 4), min_size=1)), max_size=12))
def test_two_sets_of_founders_that_share_a_server_never_both_have_all_promises(
    asked: list[tuple[int, frozenset[int]]],
) -> None:
    servers = [Founding(f"id-{number}") for number in range(5)]
    complete: dict[int, set[int]] = {}
    for coordinator, members in asked:
        founders = tuple(sorted(members | {coordinator}))
        given_all = True
        for number in founders:
            try:
                servers[number].asked(promise(coordinator, founders), own_cluster_id="")
            except RequestError:
                given_all = False
        if given_all:
            complete[coordinator] = set(founders)
    for one, first in complete.items():
        for other, second in complete.items():
            assert one == other or not first & second
