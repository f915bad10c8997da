"""Calls in words, and the lines they stand in."""

from lictor_jepsen.checker.telling import describe, lines_of, told
from tests.jepsen_like.build import history


def test_a_problem_points_at_the_lines_where_its_calls_begin_and_end() -> None:
    [write, read] = history("0 invoke write 1", "1 invoke read -", "0 ok write 1", "1 ok read 1")
    assert told("wrong", read) == ("wrong", (2, 4))
    assert lines_of(read, write) == (1, 2, 3, 4)


def test_a_call_without_an_end_has_one_line() -> None:
    assert lines_of(*history("0 invoke write 1")) == (1,)


def test_the_end_of_a_long_list_is_shown() -> None:
    numbers = ",".join(str(number) for number in range(200))
    [read] = history("0 invoke read -", f"0 ok read {numbers}")
    assert describe(read).endswith("198, 199)")
    assert len(describe(read)) < 300
