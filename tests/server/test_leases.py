import pytest

from lictor_core.errors import OverloadedError, RequestError
from lictor_core.records import MemberStatus
from lictor_server.leases import LeaseTable
from tests.server.build import member
from tests.support.clock import ManualClock

A, B = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


class Members:
    """A table and its clock."""

    def __init__(self, members_max: int = 100) -> None:
        self.clock = ManualClock()
        self.table = LeaseTable(lease_s=9.0, reap_s=100.0, members_max=members_max)

    def renew(self, name: str = "a1", id: str = A) -> float:
        return self.table.renew(member(name, id=id), self.clock.monotonic())

    def expire(self) -> list[str]:
        return [one.name for one in self.table.expire(self.clock.monotonic())]

    def statuses(self) -> dict[str, MemberStatus]:
        return {one.name: one.status for one in self.table.members()}


def test_a_lease_is_renewed_at_a_third() -> None:
    assert Members().renew() == 3.0


def test_a_lease_that_is_renewed_never_ends() -> None:
    members = Members()
    for _ in range(100):
        members.renew()
        members.clock.advance(8.9)
        assert members.expire() == []


def test_a_silent_member_fails_when_its_lease_ends_and_is_told_once() -> None:
    members = Members()
    members.renew()
    members.clock.advance(8.9)
    assert members.expire() == []
    members.clock.advance(0.1)
    assert members.expire() == ["a1"]
    assert members.expire() == []
    assert members.statuses() == {"a1": MemberStatus.FAILED}


def test_a_lease_is_extended_by_the_time_in_which_nobody_could_renew() -> None:
    members = Members()
    members.renew("a1")
    members.clock.advance(9)
    assert members.expire() == ["a1"]
    members.renew("a2", B)
    members.clock.advance(50)
    members.table.extend(50)
    assert members.expire() == []
    members.clock.advance(8.9)
    assert members.expire() == []
    members.clock.advance(0.1)
    assert members.expire() == ["a2"]
    members.clock.advance(41)
    members.expire()
    assert not members.table.known("a1"), "one that failed is forgotten in its own time"


def test_a_failed_member_that_returns_is_alive() -> None:
    members = Members()
    members.renew()
    members.clock.advance(50)
    members.expire()
    members.renew()
    assert members.statuses() == {"a1": MemberStatus.ALIVE}


def test_the_wall_clock_does_not_matter() -> None:
    members = Members()
    members.renew()
    members.clock.jump(10_000_000)
    assert members.expire() == []


def test_a_member_that_left_is_no_failure() -> None:
    members = Members()
    members.renew()
    members.table.leave("A1", members.clock.monotonic())
    members.clock.advance(50)
    assert members.expire() == []
    assert members.statuses() == {"a1": MemberStatus.LEFT}


@pytest.mark.parametrize("leaves", [True, False])
def test_who_failed_or_left_is_forgotten_in_the_end(leaves: bool) -> None:
    members = Members()
    members.renew()
    if leaves:
        members.table.leave("a1", members.clock.monotonic())
    else:
        members.clock.advance(9)
        members.expire()
    members.clock.advance(100)
    members.expire()
    assert members.statuses() == {}


def test_leaving_of_a_stranger_is_ignored() -> None:
    assert Members().table.leave("nobody", 0.0) is None


def test_a_living_members_name_is_its_own() -> None:
    members = Members()
    members.renew("a1", A)
    with pytest.raises(RequestError, match=A):
        members.renew("A1", B)
    members.clock.advance(9)
    members.expire()
    members.renew("A1", B)
    assert members.statuses() == {"A1": MemberStatus.ALIVE}


def test_members_over_the_bound_are_refused_and_known_ones_renew() -> None:
    members = Members(members_max=2)
    members.renew("a1")
    members.renew("a2", B)
    with pytest.raises(OverloadedError):
        members.renew("a3", "33333333-3333-3333-3333-333333333333")
    members.renew("a1")


def test_next_event_is_the_earliest_end() -> None:
    members = Members()
    assert members.table.next_event() is None
    members.renew("a1")
    members.clock.advance(2)
    members.renew("a2", B)
    assert members.table.next_event() == members.clock.monotonic() + 7


def test_who_surely_has_a_name_takes_it_from_a_living_member_and_from_a_full_table() -> None:
    members = Members(members_max=1)
    members.renew("a1", id=A)
    assert members.table.take(member("A1", id=B), members.clock.monotonic()) == 3.0
    assert [one.tags["id"] for one in members.table.members()] == [B]
    members.table.take(member("b1", id=B), members.clock.monotonic())
    assert members.statuses() == {"A1": MemberStatus.ALIVE, "b1": MemberStatus.ALIVE}
