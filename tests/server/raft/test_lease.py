"""For how long nobody else can lead."""

from __future__ import annotations

from lictor_server.raft.lease import LEASE_SHARE, SENDINGS_MAX, Lease

MIN_S = 0.5
LENGTH_S = LEASE_SHARE * MIN_S


def test_no_lease_before_a_majority_answered() -> None:
    lease = Lease(MIN_S)
    assert not lease.holds(0.0)
    lease.sent(1, 10.0)
    lease.confirmed(0)
    assert not lease.holds(10.0)


def test_lease_begins_when_the_message_left_not_when_the_answer_came() -> None:
    lease = Lease(MIN_S)
    lease.sent(1, 10.0)
    lease.confirmed(1)
    assert lease.holds(10.0 + LENGTH_S - 0.001)
    assert not lease.holds(10.0 + LENGTH_S)


def test_lease_moves_on_with_what_is_confirmed() -> None:
    lease = Lease(MIN_S)
    for seq in range(1, 5):
        lease.sent(seq, 10.0 + seq)
    lease.confirmed(3)
    assert not lease.holds(13.0 + LENGTH_S)
    assert lease.holds(13.0 + LENGTH_S - 0.001)
    lease.confirmed(2)
    assert lease.holds(13.0 + LENGTH_S - 0.001)


def test_only_the_first_message_of_a_number_says_when_it_left() -> None:
    lease = Lease(MIN_S)
    lease.sent(1, 10.0)
    lease.sent(1, 11.0)
    lease.sent(2, 11.0)
    lease.sent(3, 11.001)
    lease.sent(3, 12.0)
    lease.confirmed(3)
    assert not lease.holds(11.0 + LENGTH_S)


def test_a_leader_surely_led_until_its_lease_ended() -> None:
    lease = Lease(MIN_S)
    assert lease.led_at(9.0) is None
    lease.sent(1, 10.0)
    lease.confirmed(1)
    assert lease.led_at(10.1) == 10.1
    assert lease.led_at(15.0) == 10.0 + LENGTH_S
    lease.forfeit()
    assert lease.led_at(10.1) == 10.0


def test_forfeited_lease_never_comes_back() -> None:
    lease = Lease(MIN_S)
    lease.sent(1, 10.0)
    lease.confirmed(1)
    lease.forfeit()
    lease.sent(2, 10.1)
    lease.confirmed(2)
    assert not lease.holds(10.1)


def test_times_of_sending_are_bounded_and_the_loss_of_old_ones_costs_no_safety() -> None:
    lease = Lease(MIN_S)
    for seq in range(1, 3 * SENDINGS_MAX):
        lease.sent(seq, float(seq))
    lease.confirmed(SENDINGS_MAX)
    assert not lease.holds(float(SENDINGS_MAX))
    lease.confirmed(3 * SENDINGS_MAX - 1)
    assert lease.holds(float(3 * SENDINGS_MAX - 1))
