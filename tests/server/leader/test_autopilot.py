"""What autopilot plans: cases, and laws over any picture."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.autopilot import NEVER, NO_CONTACT, AutopilotConfiguration
from lictor_core.membership import agent_member, living_member
from lictor_core.peers import PeerSet, RaftServer
from lictor_core.records import Member, MemberStatus
from lictor_server.leader import autopilot
from lictor_server.leader.autopilot import SERVERS_MAX, Action, Contact, Picture, Plan, ServerMember, Standing

NOW = 1_000.0
LEASE_S = 10.0
ANSWERS_S = 1.0
A, B, C, D, E = IDS = [f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abcde"]
ALIVE, LEFT, FAILED = MemberStatus.ALIVE, MemberStatus.LEFT, MemberStatus.FAILED
LONG_AGO = Standing(True, NOW - 100)
HERE = Contact(100, 0.05)
GONE = Contact(40, 60.0)


def server(id: str, *, voter: bool = True, address: str = "", name: str = "") -> RaftServer:
    return RaftServer(id=id, name=name or f"s-{id[0]}", address=address or f"192.0.2.{id[0]}:8300", voter=voter)


def peers(*servers: RaftServer) -> PeerSet:
    return PeerSet(cluster_id="c", servers=servers, index=7)


def seen(id: str, status: MemberStatus = ALIVE, *, address: str = "", name: str = "") -> ServerMember:
    return ServerMember(id, name or f"s-{id[0]}", address or f"192.0.2.{id[0]}:8300", status, "1.8.7")


def picture(
    set_: PeerSet,
    members: Sequence[ServerMember],
    contacts: Mapping[str, Contact],
    standings: Mapping[str, Standing] | None = None,
    settings: AutopilotConfiguration | None = None,
) -> Picture:
    """What the leader A sees."""
    bare = Picture(
        peers=set_,
        leader_id=A,
        term=3,
        last_index=100,
        members={one.id: one for one in members},
        contacts=contacts,
        standings=standings or {},
        settings=settings or AutopilotConfiguration(),
        now=NOW,
        leads_since=NOW - 200,
        lease_s=LEASE_S,
        answers_s=ANSWERS_S,
        heartbeat_s=0.1,
    )
    return dataclasses.replace(bare, standings={**autopilot.standings(bare), **(standings or {})})


THREE = peers(server(A), server(B), server(C))


def test_a_healthy_cluster_is_left_alone() -> None:
    found = autopilot.plan(picture(THREE, [seen(A), seen(B), seen(C)], {B: HERE, C: HERE}))
    assert (found.action, found.peers) == (Action.NONE, None)


def test_a_new_server_comes_in_without_a_vote() -> None:
    found = autopilot.plan(picture(THREE, [seen(A), seen(B), seen(C), seen(D)], {B: HERE, C: HERE}))
    assert (found.action, found.server) == (Action.ADD, server(D, voter=False))
    assert found.peers == peers(*THREE.servers, server(D, voter=False))


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (seen(D, FAILED), "it failed"),
        (seen(D, LEFT), "it left"),
        (seen(D)._replace(address=""), "it is no server"),
        (seen(D, address="192.0.2.b:8300"), "its address belongs to another one, which answers"),
    ],
)
def test_who_may_not_come_in(member: ServerMember, why: str) -> None:
    found = autopilot.plan(picture(THREE, [seen(A), seen(B), seen(C), member], {B: HERE, C: HERE}))
    assert found.action is Action.NONE, why


def test_a_new_leader_takes_nobody_in_whom_it_may_only_believe_to_live() -> None:
    found = picture(THREE, [seen(A), seen(B), seen(C), seen(D)], {B: HERE, C: HERE})
    young = dataclasses.replace(found, leads_since=NOW - LEASE_S - 1.9)
    assert autopilot.plan(young).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(young, leads_since=NOW - LEASE_S - 2)).action is Action.ADD


def test_a_new_leader_takes_in_at_once_whom_a_server_vouches_for() -> None:
    found = picture(THREE, [seen(A), seen(B), seen(C), seen(D)], {B: HERE, C: HERE})
    young = dataclasses.replace(found, leads_since=NOW, vouched={D})
    assert autopilot.plan(young).action is Action.ADD
    assert autopilot.plan(dataclasses.replace(young, vouched={E})).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(young, barred_until={D: NOW + 1})).action is Action.NONE


def test_a_server_that_an_operator_took_out_comes_in_again_later() -> None:
    before = picture(peers(server(A), server(B)), [seen(A), seen(B), seen(C)], {B: HERE})
    barred = dataclasses.replace(before, barred_until={C: NOW + 1})
    assert autopilot.plan(barred).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(barred, now=NOW + 1)).action is Action.ADD


def test_the_peer_set_is_bounded() -> None:
    many = peers(server(A), *(server(f"{number:08x}-1", voter=False) for number in range(SERVERS_MAX - 1)))
    members = [seen(one.id) for one in many.servers] + [seen(D)]
    assert autopilot.plan(picture(many, members, {one.id: GONE for one in many.servers})).action is Action.NONE


WITH_NEW = peers(server(A), server(B), server(C), server(D, voter=False))
ALL_FOUR = [seen(A), seen(B), seen(C), seen(D)]


@pytest.mark.parametrize(
    ("contact", "healthy_s", "promoted"),
    [
        (Contact(100, 0.05), 10.0, True),
        (Contact(100, 0.05), 9.9, False),
        (Contact(0, 0.05), 10.0, True),
        (Contact(100, 0.21), 10.0, False),
        (Contact(100, None), 10.0, False),
    ],
)
def test_a_server_gets_a_vote_once_it_was_healthy_for_long_enough(
    contact: Contact, healthy_s: float, promoted: bool
) -> None:
    standings = {D: Standing(True, NOW - healthy_s)}
    found = autopilot.plan(picture(WITH_NEW, ALL_FOUR, {B: HERE, C: HERE, D: contact}, standings))
    assert (found.action is Action.PROMOTE) == promoted
    assert not promoted or (found.server, found.peers) == (server(D), peers(*THREE.servers, server(D)))


def test_a_server_that_trails_too_far_gets_no_vote() -> None:
    trailing = picture(WITH_NEW, ALL_FOUR, {B: HERE, C: HERE, D: Contact(100, 0.05)}, {D: LONG_AGO})
    assert autopilot.plan(dataclasses.replace(trailing, last_index=350)).action is Action.PROMOTE
    assert autopilot.plan(dataclasses.replace(trailing, last_index=351)).action is Action.NONE


def test_no_threshold_is_so_small_that_heartbeats_come_too_late() -> None:
    settings = AutopilotConfiguration(last_contact_threshold="1ms")
    found = picture(WITH_NEW, ALL_FOUR, {B: HERE, C: HERE, D: Contact(100, 0.15)}, {D: LONG_AGO}, settings)
    assert autopilot.plan(found).action is Action.PROMOTE
    assert autopilot.plan(dataclasses.replace(found, heartbeat_s=0.05)).action is Action.NONE


def test_no_vote_is_given_that_could_cost_the_majority() -> None:
    """Of three voters one is silent: a fourth one would need three answers, and gives the third itself."""
    members = [seen(A), seen(B), seen(C, FAILED), seen(D)]
    keep = AutopilotConfiguration(cleanup_dead_servers=False)
    good = picture(WITH_NEW, members, {B: HERE, C: GONE, D: HERE}, {D: LONG_AGO}, keep)
    assert autopilot.plan(good).action is Action.PROMOTE
    five = peers(server(A), server(B), server(C), server(D), server(E, voter=False))
    poor = picture(five, [*members, seen(E)], {B: HERE, C: GONE, D: GONE, E: HERE}, {E: LONG_AGO}, keep)
    assert autopilot.plan(poor).reason == "fewer than a majority of the voters answer"


def test_healthy_by_a_wide_threshold_is_not_yet_an_answer_that_counts() -> None:
    wide = AutopilotConfiguration(cleanup_dead_servers=False, last_contact_threshold="10s")
    members = [seen(A), seen(B), seen(C, FAILED), seen(D)]
    found = picture(WITH_NEW, members, {B: HERE, C: GONE, D: Contact(100, 5.0)}, {D: LONG_AGO}, wide)
    assert found.standings[D].healthy
    assert autopilot.plan(found).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(found, contacts={B: HERE, C: HERE, D: Contact(100, 5.0)})).peers


@pytest.mark.parametrize(
    ("member", "moved"),
    [
        (seen(B, address="192.0.2.77:8300"), True),
        (seen(B, name="other"), True),
        (seen(B, FAILED, address="192.0.2.77:8300"), False),
        (seen(B)._replace(address=""), False),
    ],
)
def test_a_living_server_keeps_its_place_under_a_new_address_or_name(member: ServerMember, moved: bool) -> None:
    found = autopilot.plan(picture(THREE, [seen(A), member, seen(C)], {B: HERE, C: HERE}))
    assert (found.action is Action.MOVE) == moved
    if moved:
        expected = server(B, address=member.address, name=member.name)
        assert found.peers == peers(server(A), expected, server(C))


def test_a_server_that_left_goes_whatever_the_settings_say() -> None:
    keep = AutopilotConfiguration(cleanup_dead_servers=False, min_quorum=5)
    found = autopilot.plan(picture(THREE, [seen(A), seen(B), seen(C, LEFT)], {B: HERE, C: HERE}, settings=keep))
    assert (found.action, found.server, found.peers) == (Action.REMOVE, server(C), peers(server(A), server(B)))


def test_a_server_that_left_stays_as_long_as_those_who_remain_could_not_go_on() -> None:
    members = [seen(A), seen(B), seen(C, LEFT)]
    assert autopilot.plan(picture(THREE, members, {B: GONE, C: HERE})).action is Action.NONE


def test_the_leader_itself_is_not_taken_out() -> None:
    assert autopilot.plan(picture(THREE, [seen(A, LEFT), seen(B), seen(C)], {B: HERE, C: HERE})).action is Action.NONE


def test_a_leader_without_a_vote_plans_nothing() -> None:
    demoted = peers(server(A, voter=False), server(B), server(C))
    assert autopilot.plan(picture(demoted, [seen(A), seen(B), seen(C), seen(D)], {B: HERE, C: HERE})).peers is None


@pytest.mark.parametrize(
    ("member", "contact", "removed"),
    [
        (seen(C, FAILED), Contact(40, 30.0), True),
        (seen(C, FAILED), Contact(40, 29.9), False),
        (seen(C, FAILED), Contact(0, None), True),
        (seen(C), Contact(40, 60.0), False),
    ],
)
def test_dead_is_who_lost_its_lease_and_was_silent_for_three_of_them(
    member: ServerMember, contact: Contact, removed: bool
) -> None:
    found = autopilot.plan(picture(THREE, [seen(A), seen(B), member], {B: HERE, C: contact}))
    assert (found.action is Action.REMOVE) == removed


def test_a_server_that_is_no_member_any_more_is_dead_after_three_leases() -> None:
    found = picture(THREE, [seen(A), seen(B)], {B: HERE, C: GONE})
    assert autopilot.plan(found).action is Action.NONE
    young = dataclasses.replace(found, missing_since={C: NOW - 29})
    assert autopilot.plan(young).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(found, missing_since={C: NOW - 30})).action is Action.REMOVE


@pytest.mark.parametrize(
    ("votes", "heir", "silent_s", "removed"),
    [
        (True, seen(D, name="s-c"), ANSWERS_S + 0.1, True),
        (True, seen(D, name="s-c"), ANSWERS_S, False),
        (True, seen(D, FAILED, name="s-c"), LEASE_S, False),
        (True, seen(D), LEASE_S, False),
        (False, seen(D, name="s-c"), LEASE_S, False),
    ],
)
def test_a_server_whose_name_another_voter_bears_is_dead_when_it_does_not_answer(
    votes: bool, heir: ServerMember, silent_s: float, removed: bool
) -> None:
    """It was lost with its data and set up anew: it cannot come back, and until it is out no other may fail."""
    four = peers(server(A), server(B), server(C), server(D, voter=votes, name=heir.name))
    found = picture(
        four, [seen(A), seen(B), heir], {B: HERE, C: Contact(40, silent_s), D: HERE}, {D: Standing(True, NOW - 1)}
    )
    assert (autopilot.plan(found).action is Action.REMOVE) == removed


def test_a_server_that_is_a_member_under_another_name_is_not_succeeded() -> None:
    four = peers(server(A), server(B), server(C), server(D, name="s-c"))
    members = [seen(A), seen(B), seen(C, FAILED, name="s-x"), seen(D, name="s-c")]
    found = picture(four, members, {B: HERE, C: Contact(40, LEASE_S), D: HERE})
    assert autopilot.plan(found).action is Action.NONE


def test_a_new_leader_gives_everybody_the_time_of_a_lease() -> None:
    members = [seen(A), seen(B), seen(C, FAILED)]
    found = picture(THREE, members, {B: HERE, C: Contact(0, None)})
    assert autopilot.plan(dataclasses.replace(found, leads_since=NOW - 29)).action is Action.NONE


@pytest.mark.parametrize(
    ("settings", "removed"),
    [
        (AutopilotConfiguration(), True),
        (AutopilotConfiguration(cleanup_dead_servers=False), False),
        (AutopilotConfiguration(min_quorum=2), True),
        (AutopilotConfiguration(min_quorum=3), False),
    ],
)
def test_settings_may_keep_the_dead(settings: AutopilotConfiguration, removed: bool) -> None:
    members = [seen(A), seen(B), seen(C, FAILED)]
    found = autopilot.plan(picture(THREE, members, {B: HERE, C: GONE}, settings=settings))
    assert (found.action is Action.REMOVE) == removed


def test_a_dead_server_without_a_vote_goes_whatever_the_least_number_of_voters() -> None:
    members = [seen(A), seen(B), seen(C), seen(D, FAILED)]
    settings = AutopilotConfiguration(min_quorum=3)
    found = autopilot.plan(picture(WITH_NEW, members, {B: HERE, C: HERE, D: GONE}, settings=settings))
    assert (found.action, found.peers) == (Action.REMOVE, THREE)


def test_half_of_the_voters_are_never_taken_for_dead() -> None:
    """They answer nothing, and yet the leader has its majority: so something is wrong with what it sees."""
    four = peers(server(A), server(B), server(C), server(D))
    members = [seen(A), seen(B), seen(C, FAILED), seen(D, FAILED)]
    found = picture(four, members, {B: HERE, C: GONE, D: GONE})
    assert autopilot.plan(dataclasses.replace(found, answers_s=1_000.0)).action is Action.NONE


def test_a_dead_server_stays_while_its_late_answers_are_part_of_the_majority() -> None:
    """A slow cluster may count answers for longer than a lease lasts."""
    found = picture(THREE, [seen(A), seen(B), seen(C, FAILED)], {B: Contact(90, 200.0), C: Contact(90, 60.0)})
    slow = dataclasses.replace(found, answers_s=100.0)
    assert autopilot.plan(slow).action is Action.NONE
    assert autopilot.plan(dataclasses.replace(slow, contacts={B: HERE, C: Contact(90, 60.0)})).action is Action.REMOVE


# Health.


def test_health_is_shown_as_consul_shows_it() -> None:
    members = [seen(A), seen(B), seen(C, FAILED)]
    found = picture(WITH_NEW, members, {B: Contact(99, 0.0271), C: Contact(0, None)})
    shown = autopilot.health(found, {A: "2026-01-01T00:00:00Z", B: "2026-01-01T00:00:01Z"})
    assert (shown.healthy, shown.failure_tolerance) == (False, 0)
    assert shown.servers is not None
    leader, follower, failed, unknown = (msgspec.to_builtins(one) for one in shown.servers)
    assert leader == {
        "ID": A,
        "Name": "s-a",
        "Address": "192.0.2.a:8300",
        "SerfStatus": "alive",
        "Version": "1.8.7",
        "Leader": True,
        "LastContact": "0s",
        "LastTerm": 3,
        "LastIndex": 100,
        "Healthy": True,
        "Voter": True,
        "StableSince": "2026-01-01T00:00:00Z",
    }
    assert (follower["LastContact"], follower["LastIndex"], follower["Healthy"]) == ("27.1ms", 99, True)
    assert (failed["SerfStatus"], failed["LastContact"], failed["LastTerm"]) == ("failed", NO_CONTACT, 0)
    assert (unknown["SerfStatus"], unknown["Voter"], unknown["StableSince"]) == ("none", False, NEVER)


@pytest.mark.parametrize(("healthy", "tolerance"), [(1, 0), (2, 0), (3, 0), (4, 1), (5, 2)])
def test_failure_tolerance_counts_voters_beyond_the_majority(healthy: int, tolerance: int) -> None:
    five = peers(*(server(id) for id in IDS))
    members = [seen(id) if place < healthy else seen(id, FAILED) for place, id in enumerate(IDS)]
    shown = autopilot.health(picture(five, members, dict.fromkeys(IDS[1:], HERE)), {})
    assert (shown.failure_tolerance, shown.healthy) == (tolerance, healthy == 5)


def test_nobody_is_healthy_where_there_are_no_servers() -> None:
    shown = autopilot.health(picture(peers(), [], {}), {})
    assert (shown.healthy, shown.servers) == (False, None)


def test_a_standing_lasts_until_health_changes() -> None:
    first = picture(THREE, [seen(A), seen(B), seen(C)], {B: HERE, C: GONE})
    assert first.standings[B] == Standing(True, NOW)
    later = dataclasses.replace(first, now=NOW + 5, contacts={B: GONE, C: GONE})
    after = autopilot.standings(later)
    assert after == {A: Standing(True, NOW), B: Standing(False, NOW + 5), C: Standing(False, NOW)}


# Members.


def test_members_are_known_by_node_id_with_the_address_of_their_server_port() -> None:
    member = agent_member(name="n1", address="192.0.2.1", node_id=A.upper(), datacenter="dc1", server_port=8300)
    assert autopilot.server_members([member]) == {A: ServerMember(A, "n1", "192.0.2.1:8300", ALIVE, "1.8.7")}


def test_a_member_that_is_no_server_has_no_server_address() -> None:
    plain = agent_member(name="n1", address="192.0.2.1", node_id=A, datacenter="dc1")
    nameless = living_member("n2", "192.0.2.2", 0, {"role": "node"})
    assert autopilot.server_members([plain, nameless]) == {A: ServerMember(A, "n1", "", ALIVE, "1.8.7")}


def test_of_two_members_with_one_id_the_living_one_counts() -> None:
    def member(name: str, status: MemberStatus) -> Member:
        made = agent_member(name=name, address="192.0.2.1", node_id=A, datacenter="dc1", server_port=8300)
        return msgspec.structs.replace(made, status=status)

    found = autopilot.server_members([member("a", FAILED), member("c", ALIVE), member("b", ALIVE)])
    assert found[A].name == "b"


def test_the_next_look_is_due_when_a_vote_is_or_a_server_may_come_in() -> None:
    members = [seen(A), seen(B), seen(C), seen(D)]
    contacts = {B: HERE, C: HERE, D: HERE}
    assert autopilot.due_in_s(picture(THREE, members[:3], contacts)) == math.inf
    assert autopilot.due_in_s(picture(WITH_NEW, members, contacts, {D: Standing(True, NOW - 7)})) == 3.0
    young = dataclasses.replace(picture(THREE, members, contacts), leads_since=NOW - 5)
    assert autopilot.due_in_s(young) == 7.0
    assert autopilot.due_in_s(dataclasses.replace(young, barred_until={D: NOW + 30})) == 30.0


def test_who_does_not_answer_yet_is_looked_for_soon() -> None:
    found = picture(WITH_NEW, [seen(A), seen(B), seen(C), seen(D)], {B: HERE, C: HERE, D: Contact(0, None)})
    assert 0 < autopilot.due_in_s(found) < 1


# Laws.

_STATUSES = st.sampled_from([ALIVE, ALIVE, ALIVE, LEFT, FAILED])
_SILENCES = st.sampled_from([None, 0.0, 0.05, 0.3, 2.0, 9.0, 10.0, 60.0])


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    """Any picture of up to five servers that the leader A may see, quorum or not."""
    in_set = draw(st.lists(st.sampled_from(IDS[1:]), unique=True))
    servers = [server(A), *(server(id, voter=draw(st.booleans())) for id in sorted(in_set))]
    addresses = st.sampled_from(["", "192.0.2.a:8300", "192.0.2.b:8300", "192.0.2.9:8300"])
    names = st.sampled_from(["", "", "s-b"])
    ids = draw(st.lists(st.sampled_from(IDS)))
    members = [seen(id, draw(_STATUSES), address=draw(addresses), name=draw(names)) for id in ids]
    contacts = {id: Contact(draw(st.sampled_from([0, 90, 100])), draw(_SILENCES)) for id in in_set}
    ages = {id: Standing(True, NOW - draw(st.sampled_from([0.0, 9.0, 10.0, 50.0]))) for id in in_set}
    settings = AutopilotConfiguration(
        cleanup_dead_servers=draw(st.booleans()),
        min_quorum=draw(st.sampled_from([0, 3])),
        last_contact_threshold=draw(st.sampled_from(["200ms", "10s"])),
        max_trailing_logs=draw(st.sampled_from([0, 250])),
    )
    found = picture(peers(*servers), members, contacts, ages, settings)
    missing = {one.id: NOW - draw(st.sampled_from([0.0, 20.0])) for one in servers if one.id not in found.members}
    vouched = frozenset(draw(st.lists(st.sampled_from(IDS))))
    barred = dict.fromkeys(draw(st.lists(st.sampled_from(IDS[1:]), max_size=1)), NOW + 5)
    return dataclasses.replace(found, missing_since=missing, barred_until=barred, vouched=vouched)


def living(seen_: Picture, voters: frozenset[str]) -> int:
    return sum(seen_.answers(id) for id in voters)


@given(pictures())
def test_no_plan_leaves_the_living_without_their_majority(seen_: Picture) -> None:
    found = autopilot.plan(seen_)
    if found.peers is not None:
        for voters in (seen_.peers.voters, found.peers.voters):
            assert 2 * living(seen_, voters) > len(voters)


@given(pictures())
def test_no_plan_changes_more_than_one_vote_or_forgets_the_cluster(seen_: Picture) -> None:
    found = autopilot.plan(seen_)
    if found.peers is not None:
        assert len(seen_.peers.voters ^ found.peers.voters) <= 1
        assert A in found.peers.voters
        assert found.peers.cluster_id == seen_.peers.cluster_id
        assert len({one.id for one in found.peers.servers}) == len(found.peers.servers)


@given(pictures())
def test_a_plan_depends_on_nothing_but_the_picture(seen_: Picture) -> None:
    turned = dataclasses.replace(
        seen_,
        members=dict(reversed(list(seen_.members.items()))),
        contacts=dict(reversed(list(seen_.contacts.items()))),
    )
    assert autopilot.plan(seen_) == autopilot.plan(turned)


@given(pictures(), st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.sampled_from([0.0, 195.0]))
def test_before_the_next_look_is_due_nobody_could_come_in_or_get_a_vote(
    seen_: Picture, share: float, young_s: float
) -> None:
    seen_ = dataclasses.replace(seen_, leads_since=seen_.leads_since + young_s)
    if autopilot.plan(seen_).action is Action.NONE:
        due_s = min(autopilot.due_in_s(seen_), 1_000.0)
        then = dataclasses.replace(seen_, now=seen_.now + share * due_s)
        assert autopilot.plan(then).action not in (Action.ADD, Action.PROMOTE)


@given(pictures())
def test_plans_come_to_an_end_and_none_undoes_another(seen_: Picture) -> None:
    done: list[tuple[Action, str]] = []
    found = autopilot.plan(seen_)
    while found.peers is not None and found.server is not None:
        assert (found.action, found.server.id) not in done
        done.append((found.action, found.server.id))
        seen_ = carried_out(seen_, found)
        found = autopilot.plan(seen_)
    acted = [id for action, id in done if action in (Action.ADD, Action.REMOVE)]
    assert len(acted) == len(set(acted))


def carried_out(seen_: Picture, found: Plan) -> Picture:
    assert found.peers is not None
    return dataclasses.replace(seen_, peers=found.peers)
