"""The directory: who says what about whom."""

from __future__ import annotations

import msgspec

from lictor_core.peers import PeerSet, RaftServer
from lictor_server.cluster import Directory
from lictor_server.cluster.cards import TEXT_MAX
from lictor_server.cluster.directory import SERVERS_MAX
from tests.server.cluster.build import card

PEERS = PeerSet(
    cluster_id="c",
    servers=tuple(RaftServer(id=f"id-{n}", name=f"s{n}", address=f"10.0.0.{n}:8300") for n in (1, 2, 3)),
)


def test_what_a_server_says_of_itself_goes_before_what_the_log_says() -> None:
    directory = Directory("id-1", "10.0.0.1:8300")
    assert directory.addresses(PEERS) == {"id-2": "10.0.0.2:8300", "id-3": "10.0.0.3:8300"}
    directory.heard(card(2, port=9999), 1.0)
    assert directory.addresses(PEERS) == {"id-2": "127.0.0.1:9999", "id-3": "10.0.0.3:8300"}


def test_only_a_changed_card_is_news() -> None:
    directory = Directory("id-1", "a:1")
    assert directory.heard(card(2), 1.0)
    assert not directory.heard(card(2), 2.0)
    assert directory.heard(card(2, port=9), 3.0)
    assert not directory.heard(card(1), 3.0), "its own card tells it nothing"


def test_places_to_ask_are_all_that_were_ever_named_but_the_own_one() -> None:
    directory = Directory("id-1", "10.0.0.1:8300")
    directory.heard(card(2, port=9999), 1.0)
    directory.hint(["10.0.0.9:8300", "10.0.0.1:8300"])
    assert directory.places(PEERS) == ["10.0.0.2:8300", "10.0.0.3:8300", "10.0.0.9:8300", "127.0.0.1:9999"]
    directory.drop_hint("10.0.0.9:8300")
    assert "10.0.0.9:8300" not in directory.places(PEERS)


def test_who_was_not_heard_of_lately_is_not_counted_on() -> None:
    directory = Directory("id-1", "a:1")
    directory.heard(card(2), 1.0)
    directory.heard(card(3), 5.0)
    assert directory.heard_since(2.0) == [card(3)]


def test_the_directory_forgets_the_oldest_when_it_is_full() -> None:
    directory = Directory("id-0", "a:1")
    for number in range(1, SERVERS_MAX + 10):
        directory.heard(card(number), float(number))
        directory.hint([f"h{number}:1"])
    assert directory.card("id-1") is None
    assert len(directory.heard_since(0.0)) == SERVERS_MAX
    assert len(directory.places(PeerSet())) == 2 * SERVERS_MAX


def test_of_two_servers_at_one_address_the_earlier_is_gone() -> None:
    directory = Directory("id-1", "a:1")
    directory.heard(card(2), 1.0)
    reborn = msgspec.structs.replace(card(3), address=card(2).address)
    assert directory.heard(reborn, 2.0)
    assert directory.heard_since(0.0) == [reborn]


def test_a_place_that_is_no_address_is_not_remembered() -> None:
    directory = Directory("id-1", "a:1")
    directory.hint(["x" * (TEXT_MAX + 1), "x" * TEXT_MAX])
    assert directory.places(PeerSet()) == ["x" * TEXT_MAX]
