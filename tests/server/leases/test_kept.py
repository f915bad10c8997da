import pytest

from lictor_core.errors import OverloadedError, RequestError
from lictor_core.membership import Renewal
from lictor_server.leases import Answer, KeptLeases, Refusal, RowState, Standing
from lictor_server.leases.digest import ROWS_MAX
from tests.server.build import member

A, B = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
WALL = 1_767_225_600.0


def kept(leases_max: int = 10_000) -> KeptLeases:
    return KeptLeases(server="id-1", server_name="s1", epoch="e", lease_s=9.0, grace_s=2.0, leases_max=leases_max)


def renew(table: KeptLeases, now: float, counter: int, name: str = "a1", id: str = A, link: object = None) -> Standing:
    return table.renew(Renewal(member=member(name, id=id), counter=counter, server="id-1"), now, connection=link)


def settle(table: KeptLeases, answer: Answer | None = None) -> list[tuple[str, RowState]]:
    digest = table.digest()
    table.settle(digest, answer or Answer())
    return [(row.name, row.state) for row in digest.rows]


def granted(now: float = 0.0, link: object = None) -> KeptLeases:
    table = kept()
    renew(table, now, 1, link=link)
    settle(table)
    return table


def test_a_newcomer_is_granted_once_the_leader_has_judged() -> None:
    table = kept()
    assert renew(table, 0.0, 1) is Standing.CLAIMED
    assert renew(table, 0.1, 2) is Standing.CLAIMED
    assert settle(table) == [("a1", RowState.ALIVE)]
    assert renew(table, 3.0, 3) is Standing.GRANTED


def test_renewals_of_what_the_leader_knows_are_no_news() -> None:
    table = granted()
    assert not table.has_news
    for second in range(1, 100):
        renew(table, 3.0 * second, 1 + second)
        assert table.expire(3.0 * second, WALL) == []
    assert not table.has_news
    assert settle(table) == []


def test_who_renewed_elsewhere_meanwhile_is_news() -> None:
    table = granted()
    moved = Renewal(member=member("a1", id=A), counter=3, server="id-2")
    assert table.renew(moved, 1.0) is Standing.GRANTED
    assert settle(table) == [("a1", RowState.ALIVE)]


def test_a_member_that_says_something_else_of_itself_is_news() -> None:
    table = granted()
    table.renew(Renewal(member=member("a1", id=A, address="192.0.2.77"), counter=3, server="id-1"), 1.0)
    assert settle(table) == [("a1", RowState.ALIVE)]


def test_a_lease_ends_on_time_with_who_saw_it() -> None:
    table = granted()
    assert table.next_end() == 9.0
    assert table.expire(8.9, WALL) == []
    (row,) = table.expire(9.0, WALL)
    assert (row.name, row.state, row.counter) == ("a1", RowState.FAILED, 1)
    assert row.cause.startswith("server s1 heard nothing from it for 9 s, since 2025-12-31T23:59:51.000Z")
    assert settle(table) == [("a1", RowState.FAILED)]
    assert len(table) == 0


def test_a_closed_connection_leaves_a_short_grace() -> None:
    link = object()
    table = granted(link=link)
    table.close(link, 1.0)
    assert table.next_end() == 3.0
    assert table.expire(2.9, WALL) == []
    (row,) = table.expire(3.0, WALL)
    assert row.cause.startswith("server s1 saw its connection close at 2025-12-31T23:59:58.000Z")


def test_who_closes_its_connection_to_go_elsewhere_has_a_whole_lease_for_that() -> None:
    link = object()
    table = granted(link=link)
    table.close(link, 4.0, lives_on=True)
    assert table.next_end() == 13.0
    assert table.expire(12.9, WALL) == []
    (row,) = table.expire(13.0, WALL)
    assert row.cause.startswith("server s1 heard nothing from it for 9 s, since 2025-12-31T23:59:51.000Z")


def test_who_goes_elsewhere_is_not_made_a_member_anew() -> None:
    link = object()
    table = granted(link=link)
    table.close(link, 1.0, lives_on=True)
    table.settle(table.digest(), Answer(whole=True))
    assert [(row.name, row.state) for row in table.digest().rows] == [("a1", RowState.CLOSED)]
    renew(table, 2.0, 2)
    table.settle(table.digest(), Answer(whole=True))
    assert [(row.name, row.state) for row in table.digest().rows] == [("a1", RowState.ALIVE)]


def test_of_those_that_go_elsewhere_none_is_passed_over_for_who_renewed_before() -> None:
    link = object()
    table = granted(link=link)
    renew(table, 1.0, 1, "a2", B)
    table.close(link, 2.0, lives_on=True)
    assert [row.name for row in table.expire(10.0, WALL)] == ["a2"]
    assert [row.name for row in table.expire(11.0, WALL)] == ["a1"]


def test_who_is_back_within_the_grace_was_never_away() -> None:
    link = object()
    table = granted(link=link)
    table.close(link, 1.0)
    assert renew(table, 2.0, 2, link=object()) is Standing.GRANTED
    assert table.expire(10.9, WALL) == []
    assert not table.has_news


def test_a_former_connection_of_a_holder_ends_nothing() -> None:
    former, present = object(), object()
    table = granted(link=former)
    renew(table, 1.0, 2, link=present)
    table.close(former, 2.0)
    assert table.expire(9.9, WALL) == []


def test_a_renewal_that_was_overtaken_is_told_so() -> None:
    table = granted()
    renew(table, 1.0, 7)
    assert renew(table, 2.0, 7) is Standing.OUTDATED
    assert table.seen("A1") == 7


def test_a_living_holders_name_is_its_own_here() -> None:
    table = granted()
    with pytest.raises(RequestError, match=A):
        renew(table, 1.0, 1, "A1", B)


def test_who_lost_its_connection_gives_its_name_away_at_once() -> None:
    link = object()
    table = granted(link=link)
    table.close(link, 1.0)
    assert renew(table, 1.1, 1, "a1", B) is Standing.CLAIMED
    digest = table.digest()
    assert [(row.id, row.state) for row in digest.rows] == [(B, RowState.ALIVE)]


def test_leases_over_the_bound_are_refused_and_known_ones_renew() -> None:
    table = kept(leases_max=1)
    renew(table, 0.0, 1)
    with pytest.raises(OverloadedError):
        renew(table, 0.0, 1, "a2", B)
    renew(table, 0.0, 2)


def test_who_leaves_is_told_as_left() -> None:
    table = granted()
    assert table.leave("A1")
    assert not table.leave("a1")
    assert settle(table) == [("a1", RowState.LEFT)]


def test_a_pause_of_the_process_ends_nobodys_lease() -> None:
    link = object()
    table = granted(link=link)
    renew(table, 0.0, 1, "b1", B)
    table.close(link, 1.0)
    table.extend(60.0)
    assert table.expire(62.9, WALL) == []
    assert [row.name for row in table.expire(69.0, WALL)] == ["b1", "a1"]


def test_what_was_lost_on_the_way_is_told_again() -> None:
    table = granted()
    renew(table, 1.0, 1, "b1", B)
    table.lost(table.digest())
    assert settle(table) == [("b1", RowState.ALIVE)]
    table.expire(20.0, WALL)
    table.lost(table.digest())
    assert sorted(settle(table)) == [("a1", RowState.FAILED), ("b1", RowState.FAILED)]


def test_everything_is_told_in_bounded_pieces_and_begun_anew_when_one_is_lost() -> None:
    table = kept()
    count = ROWS_MAX * 2 + 10
    for number in range(count):
        renew(table, 0.0, 1, f"a{number}", f"id{number}")
    first = table.digest()
    assert (first.begins, first.complete, len(first.rows)) == (True, False, ROWS_MAX)
    table.settle(first, Answer())
    table.lost(table.digest())
    told = 0
    for begins in (True, False, False):
        digest = table.digest()
        table.settle(digest, Answer())
        assert digest.begins is begins
        told += len(digest.rows)
    assert (told, digest.complete, table.has_news) == (count, True, False)


def test_a_leader_that_cannot_follow_is_told_everything() -> None:
    table = granted()
    table.settle(table.digest(), Answer(whole=True))
    assert table.has_news
    digest = table.digest()
    assert (digest.begins, digest.complete, [row.name for row in digest.rows]) == (True, True, ["a1"])


def test_a_refused_claim_is_dropped_and_told_to_who_waits() -> None:
    table = kept()
    renew(table, 0.0, 1)
    digest = table.digest()
    refusal = Refusal("a1", A, 0, "bad_request", "no")
    (settled,) = table.settle(digest, Answer(refusals=[refusal]))
    assert (settled.name, settled.refusal) == ("a1", refusal)
    assert len(table) == 0


def test_an_outdated_claim_that_was_renewed_since_is_told_again() -> None:
    table = kept()
    renew(table, 0.0, 1)
    digest = table.digest()
    renew(table, 0.1, 6)
    assert table.settle(digest, Answer(refusals=[Refusal("a1", A, 5)])) == []
    assert settle(table) == [("a1", RowState.ALIVE)]


def test_a_lease_that_moved_away_is_dropped_unless_it_was_renewed_here_since() -> None:
    table = granted()
    settle(table, Answer(moved=[Refusal("a1", A, 1)]))
    assert (len(table), table.has_news) == (0, False)
    table = granted()
    renew(table, 1.0, 9)
    settle(table, Answer(moved=[Refusal("a1", A, 5)]))
    assert settle(table) == [("a1", RowState.ALIVE)]
    settle(table, Answer(moved=[Refusal("a1", B, 50)]))
    assert len(table) == 1, "another holder of the name is meant"
