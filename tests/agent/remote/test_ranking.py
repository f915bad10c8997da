from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.remote.ranking import FAILED_S, SERVERS_MAX, Ranking

SERVERS = ["192.0.2.1:8300", "192.0.2.2:8300", "192.0.2.3:8300"]
NOW = 1000.0


def ranking(agent: str = "a", servers: list[str] = SERVERS) -> Ranking:
    made = Ranking(agent)
    made.replace(servers)
    return made


def preferred(agent: str, servers: list[str] = SERVERS) -> str:
    best = ranking(agent, servers).best(NOW)
    assert best is not None
    return best


def test_agents_spread_evenly_over_the_servers() -> None:
    counts = Counter(preferred(f"agent {number}") for number in range(3000))
    assert all(900 < counts[server] < 1100 for server in SERVERS)


@given(st.text(max_size=5), st.permutations(SERVERS))
def test_the_order_is_the_same_however_servers_are_told(agent: str, servers: list[str]) -> None:
    assert ranking(agent, servers).servers == ranking(agent).servers


def test_only_the_agents_of_a_server_that_goes_move_and_they_spread() -> None:
    gone, *left = SERVERS
    moved = Counter[str]()
    for number in range(3000):
        before, after = preferred(f"agent {number}"), preferred(f"agent {number}", left)
        if before == gone:
            moved[after] += 1
        else:
            assert after == before
    assert all(400 < moved[server] < 600 for server in left)


def test_who_failed_is_passed_over_for_a_while() -> None:
    made = ranking()
    first, second, third = made.servers
    made.failed(first, NOW)
    assert made.best(NOW) == second
    made.failed(second, NOW)
    made.failed(third, NOW + 1)
    assert made.best(NOW + 1) is None
    assert made.best(NOW + FAILED_S) == first


def test_who_answers_or_is_forgiven_is_asked_again() -> None:
    made = ranking()
    first, second, _ = made.servers
    made.failed(first, NOW)
    made.failed(second, NOW)
    made.answered(second)
    assert made.best(NOW) == second
    made.forgive()
    assert made.best(NOW) == first


def test_better_is_only_who_stands_before_and_may_be_there() -> None:
    made = ranking()
    first, second, third = made.servers
    assert made.better(first, NOW) is None
    assert made.better(third, NOW) == first
    made.failed(first, NOW)
    assert made.better(second, NOW) is None
    assert made.better(third, NOW) == second
    assert made.better("192.0.2.9:8300", NOW) == second


def test_who_is_not_known_any_more_is_forgotten_with_its_failures() -> None:
    made = ranking()
    first, *others = made.servers
    made.failed(first, NOW)
    made.replace(others)
    assert first not in made.servers
    made.add([first])
    assert made.best(NOW) == first


def test_the_number_of_servers_is_bounded() -> None:
    assert len(ranking(servers=[f"host{number}:1" for number in range(SERVERS_MAX + 10)]).servers) == SERVERS_MAX


def test_nobody_is_best_of_none() -> None:
    assert Ranking("a").best(NOW) is None
    assert Ranking("a").better("x", NOW) is None
