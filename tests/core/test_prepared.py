"""What a prepared query found, in the order of one caller."""

from __future__ import annotations

from lictor_core.clock import SeededRng
from lictor_core.prepared import Execution, QueryDNS, in_random_order
from lictor_core.records import ServiceHealth
from tests.server.build import node, service


def found(*runs: int) -> Execution:
    rows = [ServiceHealth(node=node(f"n{each}"), service=service(), checks=[]) for each in range(sum(runs))]
    return Execution(service="web", rows=rows, runs=list(runs), dns=QueryDNS(ttl=""), datacenter="dc1")


def names(rows: list[ServiceHealth]) -> list[str]:
    return [row.node.node for row in rows]


def test_each_run_is_shuffled_and_stays_where_it_is() -> None:
    orders = {tuple(names(in_random_order(found(1, 3, 2), SeededRng(seed)))) for seed in range(60)}
    assert len(orders) == 12, "3! orders of the one run, 2! of the other"
    assert all(order[0] == "n0" and set(order[1:4]) == {"n1", "n2", "n3"} for order in orders)


def test_a_limit_bounds_the_rows_and_nothing_below_one_does() -> None:
    assert [len(in_random_order(found(2, 2), SeededRng(1), limit)) for limit in (-1, 0, 1, 3, 9)] == [4, 4, 1, 3, 4]


def test_what_is_kept_of_an_execution_is_not_changed_by_shuffling() -> None:
    one = found(5)
    before = list(one.rows)
    in_random_order(one, SeededRng(3))
    assert one.rows == before
