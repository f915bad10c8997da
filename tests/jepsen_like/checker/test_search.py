"""How much work a search is."""

from __future__ import annotations

from itertools import cycle

from lictor_jepsen.checker.search import Limits, search
from lictor_jepsen.history import calls
from lictor_jepsen.op import Op
from tests.jepsen_like.build import history, lines


def _crowd(clients: int, rounds: int) -> list[Op]:
    """All clients write at once and then all read, again and again; every read of a round sees the same write."""
    texts: list[str] = []
    for number in range(rounds):
        for verb in ("invoke", "ok"):
            texts += [f"{client} {verb} write {number * clients + client}" for client in range(clients)]
        winner = number * clients + number % clients
        texts += [f"{client} invoke read -" for client in range(clients)]
        texts += [f"{client} ok read {winner}" for client in range(clients)]
    return lines(*texts)


def test_two_hundred_calls_of_five_clients_take_few_steps() -> None:
    answer = search(calls(_crowd(5, 20)), None, Limits())
    assert answer.explained is True
    assert answer.steps < 40 * 200


def test_unknown_calls_that_ask_for_the_same_are_not_tried_in_every_order() -> None:
    unknown = [
        f"{number} invoke {verb} 1" for number, verb in zip(range(24), cycle(("acquire", "release")), strict=False)
    ]
    found = history(*unknown, "100 invoke acquire 2", "100 ok acquire 2", "100 invoke read -", "100 ok read 7")
    answer = search(found, None, Limits())
    assert answer.explained is False
    assert answer.steps < 20_000


def test_limits_end_a_search_and_are_named() -> None:
    found = calls(_crowd(5, 20))
    assert search(found, None, Limits(steps_max=10)) == (None, 11, "10 steps")
    assert search(found, None, Limits(bytes_max=1000)).reached == "0.0 MiB of memory"
