from hypothesis import given
from hypothesis import strategies as st

from lictor_server.leases.agenda import Agenda


def due(agenda: Agenda, now: float) -> list[str]:
    found: list[str] = []
    while (key := agenda.due(now)) is not None:
        found.append(key)
    return found


def test_what_is_due_longest_comes_first_and_once() -> None:
    agenda = Agenda()
    for key, moment in {"c": 3.0, "a": 1.0, "b": 2.0}.items():
        agenda.plan(key, moment)
    assert agenda.next() == 1.0
    assert due(agenda, 2.0) == ["a", "b"]
    assert due(agenda, 2.0) == []
    assert agenda.next() == 3.0


def test_a_new_plan_takes_the_place_of_the_former_one() -> None:
    agenda = Agenda()
    agenda.plan("a", 1.0)
    agenda.plan("a", 5.0)
    assert due(agenda, 4.0) == []
    assert due(agenda, 5.0) == ["a"]
    agenda.plan("b", 6.0)
    agenda.cancel("b")
    assert (agenda.next(), due(agenda, 9.0)) == (None, [])


def test_everything_can_be_put_off() -> None:
    agenda = Agenda()
    agenda.plan("a", 1.0)
    agenda.shift(10.0)
    assert (agenda.moment("a"), due(agenda, 10.9), due(agenda, 11.0)) == (11.0, [], ["a"])


def test_plans_that_were_changed_again_and_again_take_no_room() -> None:
    agenda = Agenda()
    for moment in range(10_000):
        agenda.plan("a", moment)
    assert len(agenda._heap) < 200  # pyright: ignore[reportPrivateUsage]  # what is bounded


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 20)), max_size=60), st.integers(0, 20))
def test_it_is_a_table_of_moments(plans: list[tuple[str, int]], now: int) -> None:
    agenda, table = Agenda(), dict[str, float]()
    for key, moment in plans:
        agenda.plan(key, moment)
        table[key] = moment
    assert sorted(due(agenda, now)) == sorted(key for key, moment in table.items() if moment <= now)
    assert agenda.next() == min((moment for moment in table.values() if moment > now), default=None)
