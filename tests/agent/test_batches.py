"""Batches: many changes in few commands, within their bounds, each by its own token, nothing lost or out of order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.batches import BATCH_BYTES_MAX, BATCH_THINGS_MAX, Batch, batched, subjects
from lictor_agent.sync import Item
from lictor_core.codec import pack
from lictor_core.commands import NodeUpdate
from lictor_core.limits import CHECK_OUTPUT_BYTES_MAX
from tests.agent.builders import check, node, service


def _service(number: int, checks: int = 1) -> Item:
    own = tuple(check(f"c{number}-{one}", service_id=f"s{number}") for one in range(checks))
    return Item(service=service(f"s{number}"), checks=own)


def _one_token(_item: Item) -> str:
    return "t"


def _never(_item: Item) -> bool:
    return False


def test_a_thousand_services_are_a_few_commands() -> None:
    items = [_service(number) for number in range(1000)]
    lanes, later = batched(items, _one_token, _never)
    assert (len(lanes), later) == (1, [])
    assert [item for batch in lanes[0] for item in batch.items] == items
    assert len(lanes[0]) <= 1 + 2000 // (BATCH_THINGS_MAX - 1)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, CHECK_OUTPUT_BYTES_MAX)), max_size=60))
def test_a_batch_is_within_its_bounds_unless_it_is_one_change(sizes: list[tuple[int, int]]) -> None:
    items = [
        Item(checks=tuple(check(f"{number}-{one}", output="x" * output) for one in range(checks)))
        for number, (checks, output) in enumerate(sizes)
    ]
    lanes, _ = batched(items, _one_token, _never)
    assert [item for lane in lanes for batch in lane for item in batch.items] == items
    for batch in (one for lane in lanes for one in lane):
        if len(batch.items) > 1:
            assert sum(1 + len(item.checks) for item in batch.items) <= BATCH_THINGS_MAX
            assert sum(len(pack(item.checks)) for item in batch.items) <= BATCH_BYTES_MAX


def test_each_token_has_a_lane_of_its_own() -> None:
    items = [_service(number) for number in range(6)]
    lanes, later = batched(items, lambda item: str(int(subjects(item)[0][0][1:]) % 3), _never)
    assert sorted((lane[0].token, len(lane[0].items)) for lane in lanes) == [("0", 2), ("1", 2), ("2", 2)]
    assert later == []


def test_a_check_by_another_token_waits_for_its_instance() -> None:
    own = Item(checks=(check("c", service_id="s1"),))
    items = [Item(service=service("s1")), own, Item(checks=(check("n"),))]
    lanes, later = batched(items, lambda item: "" if item.service is not None else "t", _never)
    assert [[batch.items for batch in lane] for lane in lanes] == [[(items[0],)], [(items[2],)]]
    assert later == [own]


def test_what_is_alone_shares_its_batch_with_nothing_and_keeps_its_place() -> None:
    items = [_service(number) for number in range(5)]
    lanes, _ = batched(items, _one_token, lambda item: item is items[2])
    assert [batch.items for batch in lanes[0]] == [tuple(items[:2]), (items[2],), tuple(items[3:])]


def test_a_command_holds_all_that_its_changes_say() -> None:
    items = (Item(gone_service="a"), Item(gone_check="b"), _service(1, 2))
    assert Batch("t", items).command(node()) == NodeUpdate(
        node=node(),
        skip_node_update=True,
        gone_services=["a"],
        gone_checks=["b"],
        services=[service("s1")],
        checks=list(items[2].checks),
    )
    assert not Batch("t", (Item(node=True),)).command(node()).skip_node_update
