"""A transaction by itself."""

from lictor_jepsen.checker.micro import own_problems, shown, txn_of
from tests.jepsen_like.build import txns


def test_what_it_found_before_its_appends_is_told_apart_from_what_it_did() -> None:
    [call] = txns("0 invoke x? +x3 x? +y4 y?", "0 ok x:1 +x3 x:1,3 +y4 y:2,4")
    txn = txn_of(0, call)
    assert txn.appends == {"x": (3,), "y": (4,)}
    assert txn.begins == {"x": (1,), "y": (2,)}
    assert list(own_problems([txn])) == []


def test_of_what_did_not_end_well_nothing_was_read() -> None:
    [call] = txns("0 invoke x: +x3", "0 info x: +x3")
    assert txn_of(0, call).reads == ()
    assert txn_of(0, call).appends == {"x": (3,)}


def test_one_that_does_not_see_its_own_append_is_wrong() -> None:
    [call] = txns("0 invoke +x3 x?", "0 ok +x3 x:1")
    [problem] = own_problems([txn_of(0, call)])
    assert problem.text.startswith("internal: it appended (3,) of x before: line 1")
    assert problem.lines == (1, 2)


def test_of_a_long_list_the_end_is_shown() -> None:
    [call] = txns("0 invoke x?", "0 ok x:1,2,3,4,5,6,7,8")
    assert shown(txn_of(0, call)).endswith("txn ok r x [… 3 4 5 6 7 8]")
