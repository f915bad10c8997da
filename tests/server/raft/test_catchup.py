"""When a started server may answer from its own state."""

from __future__ import annotations

from lictor_server.raft.catchup import CatchUp


def test_nothing_on_the_own_disk_counts_before_a_leader_was_heard() -> None:
    catch_up = CatchUp()
    catch_up.applied(1000, 7)
    assert not catch_up.is_done


def test_what_the_leader_said_first_must_be_applied() -> None:
    catch_up = CatchUp()
    catch_up.learnt(7, 1000)
    catch_up.applied(999, 7)
    assert not catch_up.is_done
    catch_up.learnt(7, 5000)
    catch_up.applied(1000, 7)
    assert catch_up.is_done


def test_a_new_leader_that_does_not_know_what_is_committed_proves_nothing() -> None:
    catch_up = CatchUp()
    catch_up.learnt(8, 1)
    catch_up.applied(900, 7)
    assert not catch_up.is_done
    catch_up.applied(1001, 8)
    assert catch_up.is_done


def test_a_later_leader_has_to_be_believed_anew() -> None:
    catch_up = CatchUp()
    catch_up.learnt(7, 10)
    catch_up.learnt(8, 20)
    catch_up.applied(15, 7)
    assert not catch_up.is_done
    catch_up.applied(20, 8)
    catch_up.applied(5, 1)
    assert catch_up.is_done
