import msgspec
import pytest

from lictor_core.codec import pack, unpack
from lictor_core.errors import RequestError
from lictor_core.membership import Renewal
from lictor_core.records import MemberStatus
from lictor_server.leases import Answer, NoteKind, Standing
from lictor_server.leases.kept import COUNTER_MAX
from lictor_server.leases.members import REAP_S_MIN, SERVERS_MAX
from tests.server.build import member
from tests.server.leases.tables import LEASE_S, REAP_S, A, B, Tables

ALIVE, FAILED, LEFT = MemberStatus.ALIVE, MemberStatus.FAILED, MemberStatus.LEFT


def joined(at: str = "s2", link: object = None) -> Tables:
    tables = Tables()
    tables.renew(at, 1, link=link)
    tables.tell(at)
    return tables


def test_who_renews_at_any_server_is_a_member() -> None:
    tables = joined()
    assert tables.statuses() == {"a1": ALIVE}
    assert tables.noted() == [NoteKind.CAME]
    assert tables.table.take_changed() >= {"a1"}


def test_who_renews_stays_and_costs_the_leader_nothing() -> None:
    tables = joined()
    tables.table.take_changed()
    for second in range(1, 100):
        tables.wait(1.0)
        if second % 3 == 0:
            assert tables.renew("s2", 1 + second) is Standing.GRANTED
    assert tables.status() is ALIVE
    assert tables.table.take_changed() == set()


def test_who_is_silent_fails_with_what_its_server_saw() -> None:
    tables = joined()
    tables.wait(LEASE_S - 0.2)
    assert tables.status() is ALIVE
    tables.wait(0.4)
    assert tables.status() is FAILED
    assert tables.cause().startswith(
        "server s2 heard nothing from it for 9 s, since 2026-01-01T00:00:00.000Z; failed at"
    )
    assert tables.noted() == [NoteKind.CAME, NoteKind.FAILED]


def test_a_crash_is_seen_in_the_grace() -> None:
    link = object()
    tables = joined(link=link)
    tables.servers["s2"].close(link, tables.now)
    tables.wait(2.2)
    assert tables.status() is FAILED
    assert "s2 saw its connection close" in tables.cause()


def test_who_moves_to_another_server_never_fails() -> None:
    link = object()
    tables = joined(link=link)
    tables.servers["s2"].close(link, tables.now)
    assert tables.renew("s3", 2, last="s2") is Standing.CLAIMED
    tables.tell("s3")
    tables.wait(LEASE_S - 1)
    assert (tables.status(), len(tables.servers["s2"])) == (ALIVE, 0)
    assert tables.noted() == [NoteKind.CAME]


def test_who_goes_to_and_fro_is_believed_where_it_was_last() -> None:
    first, second = object(), object()
    tables = joined(link=first)
    tables.renew("s3", 2, last="s2", link=second)
    tables.tell("s3")
    tables.servers["s3"].close(second, tables.now)
    assert tables.renew("s2", 3, last="s3", link=first) is Standing.GRANTED
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE


def test_a_silent_servers_agents_have_one_lease_to_appear_elsewhere() -> None:
    tables = joined()
    tables.renew("s2", 1, "b1", B)
    tables.tell("s2")
    tables.wait(LEASE_S - 1, silent=("s2",))
    tables.renew("s3", 2, last="s2")
    tables.wait(1.2, silent=("s2",))
    assert tables.statuses() == {"a1": ALIVE, "b1": FAILED}
    assert tables.cause("b1").startswith("server s2, to which it was connected, has been silent for leader s1 since")


def test_many_agents_of_a_silent_server_have_a_lease_from_when_the_last_of_them_may_look_for_another() -> None:
    tables = Tables(members_max=2_000)
    for number in range(1_050):
        tables.renew("s2", 1, f"b{number}", f"id-{number}")
    tables.tell("s2")
    tables.wait(LEASE_S + 1.8, silent=("s2",))
    assert set(tables.statuses().values()) == {ALIVE}
    tables.wait(0.4, silent=("s2",))
    assert [name for name, status in tables.statuses().items() if status is ALIVE] == []
    assert "it appeared at no other server within 11 s" in tables.cause("b7")


def test_the_fewer_of_a_silent_servers_agents_are_missing_the_sooner_they_have_failed() -> None:
    tables = Tables(members_max=2_000)
    for number in range(1_050):
        tables.renew("s2", 1, f"b{number}", f"id-{number}")
    tables.tell("s2")
    for number in range(1_049):
        tables.renew("s3", 2, f"b{number}", f"id-{number}", last="s2")
    tables.wait(LEASE_S - 1, silent=("s2",))
    for number in range(1_049):
        tables.renew("s3", 3, f"b{number}", f"id-{number}")
    tables.wait(1.2, silent=("s2",))
    assert [name for name, status in tables.statuses().items() if status is FAILED] == ["b1049"]


def test_a_server_that_was_cut_off_brings_its_agents_back() -> None:
    tables = joined()
    tables.wait(LEASE_S / 2, silent=("s2",))
    tables.renew("s2", 2)
    tables.wait(LEASE_S / 2 + 0.2, silent=("s2",))
    assert tables.status() is FAILED
    tables.renew("s2", 3)
    tables.tell("s2")
    assert tables.status() is ALIVE


def test_a_restarted_server_has_lost_its_leases_and_nobody_fails_within_one() -> None:
    tables = joined()
    tables.clock.advance(0.1)
    tables.restart("s2")
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE
    tables.renew("s3", 2)
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE


def test_nobody_vouches_for_those_of_a_restarted_server_for_ever() -> None:
    tables = joined()
    tables.clock.advance(0.1)
    tables.restart("s2")
    tables.wait(LEASE_S + 0.3)
    assert tables.status() is FAILED


def test_a_restarted_agent_learns_the_counter_of_its_former_life() -> None:
    tables = joined()
    for counter in range(2, 9):
        tables.renew("s2", counter)
    tables.renew("s3", 9, last="s2")
    tables.tell("s3")
    tables.tell("s2")
    assert tables.renew("s2", 1, last="") is Standing.CLAIMED
    (settled,) = tables.tell("s2")
    assert settled.refusal is not None
    assert (settled.refusal.seen > 2**30, settled.refusal.code) == (True, "")
    assert tables.renew("s2", settled.refusal.seen + 1, last="") is Standing.CLAIMED
    (settled,) = tables.tell("s2")
    assert settled.refusal is None


# A new leader.


def test_a_new_leader_grants_everybody_one_lease_and_asks_for_everything() -> None:
    tables = joined()
    tables.wait(3)
    tables.renew("s2", 2)
    tables.table = tables.new_leader("s3")
    for name in ("a1", "b1"):
        tables.table.assume(member(name, id=A if name == "a1" else B), tables.now, tables.clock.now(), alive=True)
    tables.wait(LEASE_S - 3.2)
    tables.renew("s2", 3)
    tables.wait(3)
    assert tables.statuses() | {"s3": ALIVE} == {"a1": ALIVE, "b1": ALIVE, "s3": ALIVE}
    tables.wait(0.4)
    assert tables.status("b1") is FAILED
    assert tables.cause("b1").startswith(
        "no server vouched for it to leader s3 within 9 s, from 2026-01-01T00:00:03.000Z on; failed at"
    )
    assert tables.status("a1") is ALIVE


def test_a_server_is_vouched_for_once_it_was_heard_in_the_reign_and_no_longer_than_it_lives() -> None:
    tables = Tables()
    one = member("n1", id=A, role="consul")
    tables.servers["s2"].renew(Renewal(member=one, counter=1, server="s2"), tables.now)
    tables.renew("s2", 1, name="a1", id=B)
    tables.tell("s2")
    assert tables.table.vouched_servers() == {"s1", A}
    tables.table = tables.new_leader("s3")
    tables.table.assume(one, tables.now, tables.clock.now(), alive=True)
    assert tables.table.vouched_servers() == {"s3"}
    tables.tell("s2")
    assert tables.table.vouched_servers() == {"s3", A}
    tables.wait(LEASE_S + 1)
    assert tables.status("n1") is FAILED
    assert tables.table.vouched_servers() == {"s3"}


def test_what_one_server_says_early_in_a_reign_waits_for_the_others() -> None:
    """The agent moved from s2 to s3 under the former leader, who forgot to say so to s2."""
    link = object()
    tables = joined(link=link)
    tables.renew("s3", 2, last="s2")
    tables.servers["s2"].close(link, tables.now)
    tables.table = tables.new_leader("s1")
    for one in (member("a1", id=A), member("s3", id="s3", role="consul")):
        tables.table.assume(one, tables.now, tables.clock.now(), alive=True)
    tables.wait(3, silent=("s3",))
    assert (tables.status(), len(tables.servers["s2"])) == (ALIVE, 0)
    tables.renew("s3", 3)
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE


def test_who_had_failed_under_the_former_leader_is_forgotten_in_its_time() -> None:
    tables = joined()
    tables.wait(LEASE_S + 1)
    failed = tables.table.member("a1")
    assert failed is not None
    tables.clock.advance(REAP_S - 100)
    tables.table = tables.new_leader("s1")
    tables.table.assume(failed, tables.now, tables.clock.now(), alive=False)
    tables.tell_all()
    tables.clock.advance(90)
    tables.table.expire(tables.now, tables.clock.now())
    assert tables.status() is FAILED
    tables.clock.advance(20)
    tables.table.expire(tables.now, tables.clock.now())
    assert tables.status() is None


def test_a_pause_of_the_leader_fails_nobody() -> None:
    tables = joined()
    tables.table.assume(member("b1", id=B), tables.now, tables.clock.now(), alive=True)
    tables.clock.advance(60)
    tables.table.extend(60)
    tables.servers["s2"].extend(60)
    tables.table.expire(tables.now, tables.clock.now())
    assert tables.statuses() == {"a1": ALIVE, "b1": ALIVE}
    tables.wait(LEASE_S + 0.2)
    assert tables.statuses() == {"a1": FAILED, "b1": FAILED}


def test_the_wall_clock_does_not_matter() -> None:
    tables = joined()
    tables.clock.jump(10_000_000)
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE
    tables.clock.jump(-20_000_000)
    tables.renew("s2", 2)
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE


def test_a_lost_digest_loses_nothing() -> None:
    tables = joined()
    server = tables.servers["s2"]
    tables.renew("s2", 1, "b1", B)
    digest = server.digest()
    tables.table.apply(digest, tables.now, tables.clock.now())
    server.lost(digest)
    tables.renew("s2", 1, "c1", "33")
    tables.tell("s2")
    assert set(tables.statuses()) == {"a1", "b1", "c1"}
    lost = server.digest()
    server.lost(lost)
    tables.tell("s2")
    assert tables.table.apply(lost, tables.now, tables.clock.now()).whole, "it was overtaken"


def test_the_same_digest_twice_is_the_same_as_once() -> None:
    tables = joined()
    tables.renew("s2", 1, "b1", B)
    digest = tables.servers["s2"].digest()
    first = tables.table.apply(digest, tables.now, tables.clock.now())
    assert tables.table.apply(digest, tables.now, tables.clock.now()) == first
    assert set(tables.statuses()) == {"a1", "b1"}


def test_more_servers_than_the_bound_are_not_heard() -> None:
    tables = Tables()
    for number in range(SERVERS_MAX):
        tables.restart(f"x{number}")
    answers = [
        tables.table.apply(server.digest(), tables.now, tables.clock.now())
        for name, server in tables.servers.items()
        if name.startswith("x")
    ]
    assert [answer.whole for answer in answers].count(True) == 3, "s1, s2 and s3 are among them"


# Names.


def test_a_living_members_name_is_its_own_at_every_server() -> None:
    tables = joined()
    tables.renew("s3", 1, "A1", B)
    (settled,) = tables.tell("s3")
    assert settled.refusal is not None
    assert (settled.refusal.code, settled.refusal.seen) == ("bad_request", 0)
    assert A in settled.refusal.reason
    assert len(tables.servers["s3"]) == 0


def test_a_dead_members_name_is_taken_over() -> None:
    tables = joined()
    tables.wait(LEASE_S + 0.2)
    tables.renew("s3", 1, "A1", B)
    (settled,) = tables.tell("s3")
    assert settled.refusal is None
    assert tables.statuses() == {"A1": ALIVE}


def test_a_server_gives_away_the_name_of_one_whose_connection_it_lost() -> None:
    link = object()
    tables = joined(link=link)
    tables.servers["s2"].close(link, tables.now)
    tables.renew("s2", 1, "a1", B)
    tables.tell("s2")
    found = tables.table.member("a1")
    assert found is not None
    assert (found.tags["id"], found.status) == (B, ALIVE)
    tables.wait(5)
    assert tables.status() is ALIVE


@pytest.mark.parametrize("counter", [-1, 0, COUNTER_MAX + 1, 2**64 - 1])
def test_a_counter_from_which_nobody_can_count_on_is_refused(counter: int) -> None:
    with pytest.raises(RequestError, match="is not from 1 to"):
        Tables().renew("s2", counter)


def test_the_highest_counter_can_be_told_however_often_its_holder_leaves() -> None:
    """An answer that no frame can hold would keep the leader from hearing a server ever again."""
    tables = Tables()
    tables.renew("s2", COUNTER_MAX)
    for _ in range(3):
        tables.tell("s2")
        tables.table.leave("a1", tables.now)
        tables.renew("s3", 1)
        digest = tables.servers["s3"].digest()
        answer = tables.table.apply(digest, tables.now, tables.clock.now())
        assert unpack(pack(answer), Answer) == answer
        tables.servers["s3"].settle(digest, answer)


def test_a_living_members_id_is_its_own_under_every_name() -> None:
    """As of two agents with copies of one data directory: the catalog has one node for an id, they would take turns."""
    tables = joined()
    tables.renew("s3", 1, "b1", A)
    (settled,) = tables.tell("s3")
    assert settled.refusal is not None
    assert (settled.refusal.code, settled.refusal.seen) == ("bad_request", 0)
    assert "'a1'" in settled.refusal.reason
    assert tables.statuses() == {"a1": ALIVE}


@pytest.mark.parametrize("leaves", [True, False])
def test_who_was_renamed_comes_in_once_its_former_name_lives_no_more(leaves: bool) -> None:
    tables = joined()
    if leaves:
        tables.servers["s2"].leave("a1")
        tables.tell("s2")
    else:
        tables.wait(LEASE_S + 0.2)
    tables.renew("s3", 1, "b1", A)
    (settled,) = tables.tell("s3")
    assert settled.refusal is None
    assert tables.status("b1") is ALIVE
    tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    tables.renew("s2", 2)
    (settled,) = tables.tell("s2")
    assert settled.refusal is not None
    assert tables.statuses() == {"b1": ALIVE}


def test_a_new_leader_takes_a_renamed_member_over_under_its_new_name_alone() -> None:
    tables = Tables()
    tables.table.assume(member("former", id="S1"), tables.now, tables.clock.now(), alive=True)
    assert tables.statuses() == {}


def test_ids_are_remembered_as_long_as_their_members() -> None:
    tables = joined()
    ids = tables.table._name_of  # pyright: ignore[reportPrivateUsage]  # nothing outside tells what is remembered
    for number in range(5):
        tables.wait(LEASE_S + 0.2)
        tables.renew("s3", 1, "a1", f"{number}")
        tables.tell("s3")
    assert ids == {"s1": "s1", "4": "a1"}
    tables.wait(LEASE_S + 0.2)
    tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    assert ids == {"s1": "s1"}


def test_the_leaders_own_name_is_surely_its_own() -> None:
    tables = Tables()
    tables.renew("s2", 1, "S1", B)
    (settled,) = tables.tell("s2")
    assert settled.refusal is not None
    tables.table.leave("s1", tables.now)
    tables.table.take(member("s1", id="s1", role="consul"))
    own = tables.table.member("s1")
    assert own is not None
    assert own.status is ALIVE


def test_members_over_the_bound_are_refused_and_known_ones_stay() -> None:
    tables = Tables(members_max=2)
    tables.renew("s2", 1)
    tables.renew("s2", 1, "b1", B)
    settled = {one.name: one.refusal for one in tables.tell("s2")}
    refusal = settled["b1"]
    assert settled["a1"] is None
    assert refusal is not None
    assert refusal.code == "overloaded"


def test_who_left_makes_room_for_who_comes() -> None:
    """Where nodes come and go, those that left within three days are more than those that live."""
    tables = Tables(members_max=3)
    for number in range(10):
        tables.renew("s2", 1, f"a{number}", f"{number}{A}")
        (settled,) = tables.tell("s2")
        assert settled.refusal is None
        tables.servers["s2"].leave(f"a{number}")
        tables.tell("s2")
    assert tables.statuses() == {"a8": LEFT, "a9": LEFT}


# Leaving, being forgotten, flapping.


def test_who_left_is_no_failure_and_stays_away_whatever_other_servers_still_keep() -> None:
    tables = joined()
    tables.renew("s3", 2, last="s2")
    tables.servers["s3"].leave("a1")
    tables.tell("s3")
    tables.wait(LEASE_S + 1)
    assert tables.status() is LEFT
    assert tables.noted() == [NoteKind.CAME, NoteKind.LEFT]


def test_a_leaving_that_comes_before_its_servers_first_word_is_not_undone_by_it() -> None:
    tables = joined()
    tables.table = tables.new_leader("s1")
    tables.table.assume(member("a1", id=A), tables.now, tables.clock.now(), alive=True)
    tables.table.leave("A1", tables.now)
    tables.tell("s2")
    assert (tables.status(), len(tables.servers["s2"])) == (LEFT, 0)
    tables.renew("s2", 7)
    (settled,) = tables.tell("s2")
    assert settled.refusal is not None
    tables.renew("s2", settled.refusal.seen + 1)
    tables.tell("s2")
    assert tables.status() is ALIVE, "it came back"


def test_leaving_of_a_stranger_is_ignored() -> None:
    assert Tables().table.leave("nobody", 0.0) is None


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize("wish_s", [0, 36_000, 6])
def test_who_failed_or_left_is_forgotten_when_it_wishes(leaves: bool, wish_s: int) -> None:
    tables = Tables()
    one = member("a1", id=A)
    if wish_s:
        one = msgspec.structs.replace(one, tags={**one.tags, "rc_tm": f"{wish_s}s"})
    tables.servers["s2"].renew(Renewal(member=one, counter=1), tables.now)
    tables.tell("s2")
    if leaves:
        tables.servers["s2"].leave("a1")
    tables.wait(LEASE_S + 0.2)
    kept_s = max(float(wish_s), REAP_S_MIN) if wish_s else REAP_S
    for passed_s, known in ((kept_s - 20, True), (30, False)):
        tables.clock.advance(passed_s)
        tables.table.expire(tables.now, tables.clock.now())
        assert (tables.status() is not None) is known
    assert tables.noted()[-1] is NoteKind.FORGOTTEN
    assert "a1" in tables.table.take_changed()


def test_a_failed_member_is_forced_out_and_pruned() -> None:
    tables = joined()
    tables.wait(LEASE_S + 0.2)
    assert tables.table.force_leave("A1", tables.now, tables.clock.now(), prune=False)
    assert tables.status() is LEFT
    assert tables.cause().startswith("an operator had leader s1 force it out at 2026-01-01T00:00:09")
    assert tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    assert tables.status() is None
    assert not tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=False)


def test_a_living_member_is_not_forced_out() -> None:
    tables = joined()
    assert tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    assert tables.status() is ALIVE


@pytest.mark.parametrize(("prune", "status"), [(False, LEFT), (True, None)])
def test_who_is_forced_out_before_its_death_was_seen_is_gone_with_it(prune: bool, status: MemberStatus | None) -> None:
    tables = joined()
    assert tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=prune)
    assert tables.status() is ALIVE
    tables.wait(LEASE_S + 0.2)
    assert tables.status() is status
    assert prune or tables.cause().startswith("an operator had leader s1 force it out")


def test_who_shows_itself_after_it_was_forced_out_fails_later_as_others_do() -> None:
    tables = joined()
    assert tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    tables.renew("s3", 2, last="s2")
    tables.tell("s3")
    tables.wait(LEASE_S + 0.2)
    assert tables.status() is FAILED


def test_who_was_forced_out_long_ago_fails_as_others_do() -> None:
    tables = joined()
    assert tables.table.force_leave("a1", tables.now, tables.clock.now(), prune=True)
    for counter in range(2, 5):
        tables.wait(LEASE_S / 3)
        tables.renew("s2", counter)
    assert tables.status() is ALIVE
    tables.wait(LEASE_S + 0.2)
    assert tables.status() is FAILED


def flap(tables: Tables, counter: int) -> None:
    tables.wait(LEASE_S + 0.2)
    tables.renew("s2", counter)
    tables.tell("s2")


def test_a_first_return_is_believed_at_once() -> None:
    tables = joined()
    flap(tables, 2)
    assert tables.status() is ALIVE


def test_who_fails_again_and_again_passes_only_once_it_stays() -> None:
    tables = joined()
    flap(tables, 2)
    flap(tables, 3)
    assert tables.status() is FAILED
    assert tables.cause().startswith("it failed again and again")
    tables.wait(3)
    tables.renew("s2", 4)
    assert tables.status() is FAILED
    tables.wait(5)
    assert (tables.status(), tables.cause()) == (ALIVE, "")
    assert tables.noted() == [NoteKind.CAME, NoteKind.FAILED] * 2 + [NoteKind.FLAPPED, NoteKind.CAME]


def test_one_that_is_held_back_and_fails_again_changes_nothing_that_is_shown() -> None:
    tables = joined()
    for counter in range(2, 6):
        flap(tables, counter)
    assert tables.noted().count(NoteKind.FAILED) <= 3
    tables.wait(LEASE_S + 0.2)
    assert tables.status() is FAILED


# Servers whose process was seen to end.


def served(at: str = "s2") -> Tables:
    """A server that is a member by its own word, and an agent that is connected to it."""
    tables = Tables()
    own = Renewal(member=member(at, id=at, role="consul"), counter=1, server=at)
    tables.servers[at].renew(own, tables.now)
    tables.renew(at, 1)
    tables.tell(at)
    return tables


def test_a_server_that_ended_and_is_not_heard_again_fails_in_the_grace_and_its_agents_have_their_lease() -> None:
    tables = served()
    tables.wait(1.0)
    ended = {"s2": tables.now}
    tables.table.see_ended(ended)
    tables.wait(1.8, silent=("s2",))
    assert tables.status("s2") is ALIVE
    tables.wait(0.4, silent=("s2",))
    assert (tables.status("s2"), tables.status("a1")) == (FAILED, ALIVE)
    assert tables.cause("s2").startswith("leader s1 saw its process end at 2026-01-01T00:00:01.000Z, and heard nothing")
    tables.renew("s3", 2, last="s2")
    tables.wait(2 * LEASE_S, silent=("s2",))
    assert tables.statuses() == {"s2": FAILED, "a1": FAILED}, "the agent renews no more"


def test_a_server_that_is_heard_after_its_end_was_seen_is_well() -> None:
    tables = served()
    tables.table.see_ended({"s2": tables.now})
    tables.wait(3.0)
    assert tables.status("s2") is ALIVE


def test_a_server_that_is_connected_again_in_time_is_well_though_it_is_not_heard_yet() -> None:
    tables = served()
    tables.table.see_ended({"s2": tables.now})
    tables.wait(1.8, silent=("s2",))
    tables.table.see_ended({})
    tables.wait(2.0, silent=("s2",))
    assert tables.status("s2") is ALIVE


def test_a_server_that_failed_by_its_end_tells_all_when_it_is_back_and_passes() -> None:
    tables = served()
    tables.table.see_ended({"s2": tables.now})
    tables.wait(3.0, silent=("s2",))
    assert tables.status("s2") is FAILED
    tables.restart("s2")
    tables.table.see_ended({})
    own = Renewal(member=member("s2", id="s2", role="consul"), counter=2, server="")
    tables.servers["s2"].renew(own, tables.now)
    tables.renew("s3", 2, last="s2")
    tables.wait(1.0)
    assert (tables.status("s2"), tables.status("a1")) == (ALIVE, ALIVE)


def test_an_end_that_was_seen_before_the_reign_counts_once_a_living_server_would_have_been_heard() -> None:
    tables = served()
    ended = {"s2": tables.now}
    tables.wait(5.0)
    known = tables.table.members()
    tables.table = tables.new_leader("s1")
    for one in known:
        tables.table.assume(one, tables.now, tables.clock.now(), alive=one.status is ALIVE)
    tables.table.see_ended(ended)
    tables.wait(1.2, silent=("s2",))
    assert tables.status("s2") is ALIVE
    tables.wait(0.3, silent=("s2",))
    assert tables.status("s2") is FAILED


def test_the_end_of_the_leader_itself_or_of_a_stranger_says_nothing() -> None:
    tables = served()
    tables.table.see_ended({"s1": tables.now, "nobody": tables.now})
    tables.wait(4.0)
    assert tables.statuses() == {"s2": ALIVE, "a1": ALIVE}
    assert tables.table.member("s1") is not None


def test_servers_are_found_without_looking_at_everybody() -> None:
    tables = joined()
    tables.servers["s2"].renew(Renewal(member=member("s2", id="s2", role="consul"), counter=1), tables.now)
    tables.tell("s2")
    assert [one.name for one in tables.table.servers()] == ["s1", "s2"]


def test_a_reign_that_begins_anew_forgets_who_vouched_and_nobody_is_alive_for_ever() -> None:
    """As when a saved state was put in place, and a server is lost in that very moment."""
    tables = joined()
    tables.table.begin(member("s1", id="s1", role="consul"), tables.now, tables.clock.now())
    tables.wait(LEASE_S - 1, silent=("s2",))
    assert tables.status() is ALIVE
    tables.wait(1.2, silent=("s2",))
    assert tables.status() is FAILED


def test_a_reign_that_begins_anew_fails_nobody_whose_server_is_there() -> None:
    tables = joined()
    tables.table.begin(member("s1", id="s1", role="consul"), tables.now, tables.clock.now())
    tables.wait(LEASE_S - 1)
    tables.renew("s2", 2)
    tables.wait(LEASE_S - 1)
    assert tables.status() is ALIVE
    assert tables.noted() == [NoteKind.CAME]


@pytest.mark.parametrize("anew", [True, False])
def test_one_that_is_held_back_and_lost_with_its_server_stays_failed_and_is_remembered(anew: bool) -> None:
    tables = joined()
    flap(tables, 2)
    flap(tables, 3)
    tables.clock.advance(0.1)
    tables.restart("s2")
    if anew:
        tables.table.begin(member("s1", id="s1", role="consul"), tables.now, tables.clock.now())
    tables.wait(LEASE_S + 1)
    assert tables.status() is FAILED
    tables.wait(60.0)
    assert tables.status() is FAILED
    assert NoteKind.FORGOTTEN not in tables.noted()


def test_one_that_is_held_back_is_not_believed_once_its_server_lost_it_early_in_a_reign() -> None:
    tables = joined()
    flap(tables, 2)
    flap(tables, 3)
    tables.servers["s3"].renew(Renewal(member=member("s3", id="s3", role="consul"), counter=2), tables.now)
    tables.tell("s3")
    link = object()
    tables.renew("s2", 4, link=link)
    tables.table.begin(member("s1", id="s1", role="consul"), tables.now, tables.clock.now())
    tables.tell("s2")
    tables.servers["s2"].close(link, tables.now)
    tables.wait(LEASE_S + 1, silent=("s3",))
    assert tables.status() is FAILED
    tables.wait(60.0, silent=("s3",))
    assert tables.status() is FAILED
