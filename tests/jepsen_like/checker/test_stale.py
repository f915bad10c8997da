"""Stale reads show some past; the index of one server never falls."""

import pytest

from lictor_jepsen.checker import Verdict
from lictor_jepsen.checker.stale import index_monotonic, stale_reads
from tests.jepsen_like.build import history

WRITES = ("0 invoke write 1", "0 ok write 1", "0 invoke write 2", "0 ok write 2")


@pytest.mark.parametrize("seen", ["-", "1", "2"])
def test_any_past_value_is_a_valid_stale_read(seen: str) -> None:
    found = stale_reads(history(*WRITES, "1 invoke read - stale", f"1 ok read {seen} stale"))
    assert found.verdict is Verdict.VALID


def test_a_value_that_nobody_wrote_is_no_stale_read() -> None:
    found = stale_reads(history(*WRITES, "1 invoke read - stale", "1 ok read 3 stale"))
    assert found.verdict is Verdict.INVALID


def test_a_failed_write_is_no_past() -> None:
    found = stale_reads(history("0 invoke write 1", "0 fail write 1", "1 invoke read - stale", "1 ok read 1 stale"))
    assert found.verdict is Verdict.INVALID


def test_a_list_that_never_was_is_no_past() -> None:
    appends = ("0 invoke append 1", "0 ok append 1", "0 invoke append 2", "0 ok append 2")
    full = ("0 invoke read -", "0 ok read 1,2")
    assert stale_reads(history(*appends, *full, "1 invoke read - stale", "1 ok read - stale")).verdict is Verdict.VALID
    assert stale_reads(history(*appends, *full, "1 invoke read - stale", "1 ok read 1, stale")).verdict is Verdict.VALID
    found = stale_reads(history(*appends, *full, "1 invoke read - stale", "1 ok read 2, stale"))
    assert found.verdict is Verdict.INVALID


def test_an_index_that_falls_at_one_server_is_invalid() -> None:
    first = ("0 invoke read - stale n1", "0 ok read 1 stale n1 7")
    then = ("0 invoke read - stale n1", "0 ok read 1 stale n1 6")
    assert index_monotonic(history(*first, *then)).verdict is Verdict.INVALID
    assert index_monotonic(history(*then, *first)).verdict is Verdict.VALID


def test_indexes_of_two_servers_are_not_compared() -> None:
    found = index_monotonic(
        history(
            *("0 invoke read - stale n1", "0 ok read 1 stale n1 7"),
            *("0 invoke read - stale n2", "0 ok read 1 stale n2 6"),
        )
    )
    assert found.verdict is Verdict.VALID


def test_stale_reads_through_an_agent_may_go_back_and_others_may_not() -> None:
    for mode, verdict in (("stale", Verdict.VALID), ("default", Verdict.INVALID)):
        found = index_monotonic(
            history(
                *(f"0 invoke read - {mode} a1", f"0 ok read 1 {mode} a1 7"),
                *(f"0 invoke read - {mode} a1", f"0 ok read 1 {mode} a1 6"),
            )
        )
        assert found.verdict is verdict


def test_an_agent_is_known_by_being_one_whatever_it_is_called() -> None:
    first = ("0 invoke read - stale alpha", "0 ok read 1 stale alpha 7")
    reads = history(*first, "0 invoke read - stale alpha", "0 ok read 1 stale alpha 6")
    assert index_monotonic(reads).verdict is Verdict.INVALID, "a server of somebody else's cluster"
    assert index_monotonic([read._replace(relayed=True) for read in reads]).verdict is Verdict.VALID


def test_a_stale_read_of_a_lock_shows_somebody_who_asked_for_it() -> None:
    asked = ("0 invoke acquire 1", "0 ok acquire 0", "2 invoke acquire 2", "2 info acquire 2")
    for seen, verdict in (("1", Verdict.VALID), ("2", Verdict.VALID), ("-", Verdict.VALID), ("3", Verdict.INVALID)):
        found = stale_reads(history(*asked, "1 invoke read - stale", f"1 ok read {seen} stale"))
        assert found.verdict is verdict


def test_reads_at_the_same_time_may_have_any_index() -> None:
    found = index_monotonic(
        history(
            *("0 invoke read - stale n1", "1 invoke read - stale n1"),
            *("0 ok read 1 stale n1 7", "1 ok read 1 stale n1 6"),
        )
    )
    assert found.verdict is Verdict.VALID


def test_index_0_is_invalid() -> None:
    found = index_monotonic(history("0 invoke read - stale n1", "0 ok read - stale n1 0"))
    assert found.verdict is Verdict.INVALID
