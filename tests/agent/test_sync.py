"""Anti-entropy: carrying out the difference makes the catalog agree, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.batches import Batch
from lictor_agent.local import LocalService, LocalState
from lictor_agent.sync import (
    CHECKS_PER_ITEM_MAX,
    Item,
    Observed,
    Scope,
    adopted_tags,
    diff,
    output_due,
)
from lictor_core.codec import encode_command
from lictor_core.commands import NodeUpdate
from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX, COMMAND_BYTES_MAX
from lictor_core.records import PASSING, WARNING, Check, Service
from tests.agent.builders import check, local_check, local_service, node, service

WAIT_S = 300.0
_names = st.sampled_from(["a", "b", "c", "consul"])
_statuses = st.sampled_from(["passing", "warning", "critical"])


def _command(item: Item) -> NodeUpdate:
    return Batch("", (item,)).command(node())


@st.composite
def services(draw: st.DrawFn) -> Service:
    """Some instance."""
    return service(
        draw(_names),
        port=draw(st.integers(0, 2)),
        tags=tuple(draw(st.lists(st.sampled_from("tu"), max_size=2))),
        enable_tag_override=draw(st.booleans()),
    )


@st.composite
def checks_of(draw: st.DrawFn, owners: list[str]) -> Check:
    """Some check of the node or of one of its instances."""
    return check(
        draw(st.sampled_from(["1", "2", "3", "serfHealth"])),
        service_id=draw(st.sampled_from(["", *owners])),
        status=draw(_statuses),
        output=draw(st.sampled_from(["", "x"])),
    )


@st.composite
def local_states(draw: st.DrawFn) -> LocalState:
    """A local state with some history of outputs."""
    local = LocalState()
    for instance in draw(st.lists(services(), max_size=4)):
        local.put_service(LocalService(service=instance))
    for one in draw(st.lists(checks_of(sorted(local.services)), max_size=5)):
        if one.check_id != "serfHealth":
            local.put_check(local_check(one.check_id, service_id=one.service_id, status=one.status), 0.0)
    for check_id in draw(st.lists(st.sampled_from(["1", "2", "3"]), max_size=4)):
        if check_id in local.checks:
            local.set_status(check_id, draw(_statuses), draw(st.sampled_from(["p", "q"])), 0.0)
    return local


@st.composite
def catalogs(draw: st.DrawFn) -> Observed:
    """What some catalog may have of this node."""
    there = {instance.id: instance for instance in draw(st.lists(services(), max_size=4))}
    checks = {one.check_id: one for one in draw(st.lists(checks_of(sorted(there)), max_size=5))}
    return Observed(draw(st.sampled_from([None, node(), node(advertise_address="127.0.0.2")])), there, checks)


@given(local_states(), catalogs())
def test_carrying_out_the_difference_leaves_none(local: LocalState, observed: Observed) -> None:
    for item in diff(node(), local, observed, now=1e9, output_wait_s=WAIT_S):
        observed.note(_command(item))
    assert diff(node(), local, observed, now=1e9, output_wait_s=WAIT_S) == []


@given(local_states(), catalogs())
def test_the_catalog_then_has_what_is_here_and_what_the_servers_keep(local: LocalState, observed: Observed) -> None:
    kept_services: dict[str, Service] = {k: v for k, v in observed.services.items() if k == "consul"}
    kept_checks = {
        key: one
        for key, one in observed.checks.items()
        if key not in local.checks and (key == "serfHealth" or one.service_id == "consul")
    }
    gone = set(observed.services) - set(local.services) - {"consul"}
    for item in diff(node(), local, observed, now=1e9, output_wait_s=WAIT_S):
        observed.note(_command(item))
    assert observed.node == node()
    assert set(observed.services) == set(local.services) | set(kept_services)
    assert {key: one.check for key, one in local.checks.items()}.items() <= observed.checks.items()
    extra = set(observed.checks) - set(local.checks)
    assert extra == {key for key, one in kept_checks.items() if one.service_id not in gone}


@given(local_states(), catalogs(), st.data())
def test_scopes_that_cover_everything_one_by_one_agree_with_the_full_comparison(
    local: LocalState, observed: Observed, data: st.DataObject
) -> None:
    for service_id in data.draw(st.permutations(sorted({*local.services, *observed.services}))):
        for item in diff(node(), local, observed, 1e9, output_wait_s=WAIT_S, scope=Scope(services={service_id})):
            observed.note(_command(item))
    rest = Scope(node=True, checks={*local.checks, *observed.checks})
    for item in diff(node(), local, observed, 1e9, output_wait_s=WAIT_S, scope=rest):
        observed.note(_command(item))
    assert diff(node(), local, observed, 1e9, output_wait_s=WAIT_S) == []


def _agreeing(local: LocalState) -> Observed:
    observed = Observed()
    for item in diff(node(), local, observed, 0.0, output_wait_s=WAIT_S):
        observed.note(_command(item))
    return observed


def test_a_service_is_registered_together_with_its_checks() -> None:
    local = LocalState()
    local.put_service(local_service())
    local.put_check(local_check("one", service_id="web"), 0.0)
    local.put_check(local_check("two"), 0.0)
    commands = diff(node(), local, Observed(node()), 0.0, output_wait_s=WAIT_S)
    assert commands == [
        Item(service=service(), checks=(check("one", service_id="web"),)),
        Item(checks=(check("two"),)),
    ]


def test_an_empty_agent_still_registers_its_node() -> None:
    assert diff(node(), LocalState(), Observed(), 0.0, output_wait_s=WAIT_S) == [Item(node=True)]


def test_a_node_that_differs_in_one_thing_is_registered_anew() -> None:
    for changed in (
        {"id": ""},
        {"address": "127.0.0.2"},
        {"tagged_addresses": {"lan": "127.0.0.1"}},
        {"meta": {"rack": "7"}},
    ):
        observed = Observed(msgspec.structs.replace(node(), **changed))
        assert diff(node(), LocalState(), observed, 0.0, output_wait_s=WAIT_S) == [Item(node=True)]


def test_a_changed_check_does_not_send_its_service_along() -> None:
    local = LocalState()
    local.put_service(local_service())
    local.put_check(local_check("one", service_id="web"), 0.0)
    observed = _agreeing(local)
    local.set_status("one", PASSING, "", 1.0)
    changed = check("one", service_id="web", status=PASSING)
    scope = Scope(checks={"one"})
    commands = diff(node(), local, observed, 1.0, output_wait_s=WAIT_S, scope=scope)
    assert commands == [Item(checks=(changed,))]


def test_an_output_alone_waits_and_a_status_does_not() -> None:
    local = LocalState()
    local.put_check(local_check("one", status=PASSING), 0.0)
    observed = _agreeing(local)
    local.set_status("one", PASSING, "new", 10.0)
    due = output_due(local.checks["one"], WAIT_S)
    assert due is not None
    assert 10.0 + WAIT_S / 2 <= due <= 10.0 + WAIT_S * 1.5
    assert diff(node(), local, observed, due - 0.001, output_wait_s=WAIT_S) == []
    assert len(diff(node(), local, observed, due, output_wait_s=WAIT_S)) == 1
    local.set_status("one", WARNING, "new", 11.0)
    assert len(diff(node(), local, observed, 11.0, output_wait_s=WAIT_S)) == 1


def test_the_checks_of_a_removed_service_are_not_removed_one_by_one() -> None:
    observed = Observed(node(), {"web": service()}, {"one": check("one", service_id="web"), "two": check("two")})
    commands = diff(node(), LocalState(), observed, 0.0, output_wait_s=WAIT_S)
    assert commands == [Item(gone_service="web"), Item(gone_check="two")]


def test_indexes_and_empty_against_absent_are_no_difference() -> None:
    local = LocalState()
    local.put_service(local_service())
    there = msgspec.structs.replace(service(), meta={}, tagged_addresses={}, create_index=3, modify_index=9)
    observed = Observed(node(), {"web": there})
    assert diff(node(), local, observed, 0.0, output_wait_s=WAIT_S) == []


def test_tags_are_adopted_only_where_others_may_set_them() -> None:
    local = LocalState()
    local.put_service(local_service("fixed"))
    local.put_service(LocalService(service=service("free", enable_tag_override=True)))
    observed = Observed(node(), {name: service(name, tags=("theirs",)) for name in ("fixed", "free")})
    assert adopted_tags(local, observed) == [("free", ["theirs"])]


def test_many_large_checks_are_split_into_commands_that_fit() -> None:
    local = LocalState()
    for number in range(CHECKS_PER_ITEM_MAX + 1):
        output = "x" * CHECK_OUTPUT_BYTES_MAX
        local.put_check(local_check(f"check-{number:04}", output=output), 0.0)
    commands = diff(node(), local, Observed(), 0.0, output_wait_s=WAIT_S)
    assert [len(one.checks) for one in commands if one.checks] == [CHECKS_PER_ITEM_MAX, 1]
    assert max(len(encode_command(_command(one))) for one in commands) < COMMAND_BYTES_MAX


def test_what_is_in_doubt_is_told_again_or_removed_even_if_it_seems_to_agree() -> None:
    local = LocalState()
    local.put_service(local_service("stays"))
    observed = _agreeing(local)
    observed.doubt(_command(Item(service=service("stays"))))
    observed.doubt(_command(Item(service=service("gone"), checks=(check("c", service_id="gone"),))))
    items = diff(node(), local, observed, 0.0, output_wait_s=WAIT_S)
    assert items == [Item(gone_service="gone"), Item(gone_check="c"), Item(service=service("stays"))]
    for item in items:
        observed.note(_command(item))
    assert not observed.is_doubtful


def test_a_check_with_a_token_of_its_own_is_told_apart_from_its_service() -> None:
    local = LocalState()
    local.put_service(local_service())
    local.put_check(replace(local_check("own", service_id="web"), token="t"), 0.0)
    local.put_check(local_check("shared", service_id="web"), 0.0)
    assert diff(node(), local, Observed(node()), 0.0, output_wait_s=WAIT_S) == [
        Item(service=service(), checks=(check("shared", service_id="web"),)),
        Item(checks=(check("own", service_id="web"),)),
    ]
