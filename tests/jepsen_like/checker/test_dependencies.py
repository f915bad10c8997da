"""Who must come before whom."""

from __future__ import annotations

from lictor_jepsen.checker.dependencies import dependencies, versions
from lictor_jepsen.checker.graph import Why
from lictor_jepsen.checker.micro import txn_of
from tests.jepsen_like.build import txns


def _edges(*texts: str, whys: str = "ww wr rw rt") -> dict[str, set[tuple[int, int]]]:
    found = [txn_of(number, call) for number, call in enumerate(txns(*texts))]
    graph = dependencies(found, versions(found), lambda txn: txn.call.process < 9)
    nodes = range(len(found) + len(texts))
    return {why: {(edge.source, edge.target) for edge in graph.edges(Why(why), nodes)} for why in whys.split()}


def test_a_list_tells_the_order_of_appends_and_who_saw_them() -> None:
    lines = [f"{n} {verb} {txn}" for verb in ("invoke", "ok") for n, txn in enumerate(("+x1", "+x2", "x:1,2", "x:1"))]
    assert _edges(*lines, whys="ww wr rw") == {"ww": {(0, 1)}, "wr": {(1, 2), (0, 3)}, "rw": {(3, 1)}}


def test_an_append_that_nobody_saw_is_behind_all_that_somebody_saw() -> None:
    lines = [f"{n} {verb} {txn}" for verb in ("invoke", "ok") for n, txn in enumerate(("+x1", "+x2", "x:1"))]
    assert _edges(*lines, whys="ww wr rw") == {"ww": {(0, 1)}, "wr": {(0, 2)}, "rw": {(2, 1)}}


def test_an_unknown_one_that_somebody_saw_took_place_with_all_that_it_did() -> None:
    lines = ["0 invoke +x1 +y2", "0 info +x1 +y2", "1 invoke x?", "2 invoke y?", "1 ok x:1", "2 ok y:"]
    assert _edges(*lines)["rw"] == {(2, 0)}
    assert _edges(*lines[:2], *lines[3:4], *lines[5:])["rw"] == set()


def test_who_ended_comes_before_who_begins_then_unless_it_need_not_be_timely() -> None:
    assert _edges("0 invoke x?", "0 ok x:", "1 invoke x?", "1 ok x:")["rt"] == {(0, 2), (2, 1), (2, 3), (1, 3)}
    assert _edges("9 invoke x?", "9 ok x:", "1 invoke x?", "1 ok x:")["rt"] == {(1, 2)}
