import asyncio
from typing import cast

import pytest

from lictor_core.acl.caller import ANYBODY
from lictor_core.errors import PermissionDeniedError
from lictor_core.queries import DatacentersQuery, KeyQuery, NodesQuery, ServicesQuery
from lictor_server.acl.callers import Everybody
from lictor_server.acl.reading import NO_STAMP, ROWS_AT_ONCE, ReadJudge
from lictor_server.state import answer
from tests.server.acl.world import FixedCallers, world

_ALL = 'node_prefix "" { policy = "read" }'
_NA = 'node "na" { policy = "read" }'


def test_what_is_seen_is_worked_out_once_for_all_of_a_scope_until_the_answer_changes() -> None:
    store = world()
    callers = FixedCallers({"one": _NA, "two": _NA, "all": _ALL})
    judge = ReadJudge(store, callers)
    whole = answer(store, NodesQuery())

    first = judge.seen(NodesQuery(), callers.caller("one"), whole, 7)
    again = judge.seen(NodesQuery(), callers.caller("two"), whole, 7)
    later = judge.seen(NodesQuery(), callers.caller("one"), whole, 8)

    assert first.value is again.value
    assert first.scope == again.scope != ""
    assert later.value == first.value
    assert later.value is not first.value


def test_who_sees_all_is_given_the_whole_without_a_scope() -> None:
    store = world()
    callers = FixedCallers({"all": _ALL})
    whole = answer(store, NodesQuery())

    seen = ReadJudge(store, callers).seen(NodesQuery(), callers.caller("all"), whole, 7)

    assert seen.value is whole
    assert seen.scope == ""


def test_answers_are_kept_up_to_a_bound() -> None:
    store = world()
    callers = FixedCallers({"one": _NA})
    judge = ReadJudge(store, callers, kept_max=1)

    for query in (NodesQuery(), ServicesQuery()):
        judge.seen(query, callers.caller("one"), answer(store, query), 7)

    assert len(judge) == 1


def test_a_stamp_grows_with_the_rights_and_is_none_for_what_may_not_be_read() -> None:
    store = world()
    judge = ReadJudge(store, FixedCallers({"one": _NA}, stamp=1000))

    assert judge.stamp(NodesQuery(), "one") == 1000
    assert judge.stamp(KeyQuery(key="a/1"), "one") == NO_STAMP
    assert judge.stamp(NodesQuery(), "unknown") == NO_STAMP


def test_an_unknown_token_asks_nothing() -> None:
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        ReadJudge(world(), FixedCallers({})).admitted(NodesQuery(), "unknown")


def test_what_is_open_is_so_to_an_unknown_token() -> None:
    judge = ReadJudge(world(), FixedCallers({"one": _NA}))
    assert judge.admitted(DatacentersQuery(), "unknown") is ANYBODY
    with pytest.raises(PermissionDeniedError):
        judge.admitted(NodesQuery(), "unknown")


def test_without_access_control_stamps_are_those_of_the_data() -> None:
    store = world()
    judge = ReadJudge(store, Everybody())

    assert judge.admitted(KeyQuery(key="a/1"), "whatever") is ANYBODY
    assert judge.stamp(NodesQuery(), "") == store.stamp(NodesQuery().topics())


async def test_a_long_answer_is_looked_at_bit_by_bit_and_once_for_all_who_ask_meanwhile() -> None:
    store = world()
    callers = FixedCallers({"one": _NA})
    judge = ReadJudge(store, callers)
    whole = answer(store, NodesQuery()) * ROWS_AT_ONCE
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.ensure_future(count())
    first, second = await asyncio.gather(
        *(judge.seen_in_bits(NodesQuery(), callers.caller("one"), whole, 7) for _ in range(2))
    )
    again = await judge.seen_in_bits(NodesQuery(), callers.caller("one"), whole, 7)
    counting.cancel()

    assert turns >= 2
    assert first.value is second.value is again.value
    assert first == judge.seen(NodesQuery(), callers.caller("one"), whole, 7)


async def test_who_gives_up_waiting_leaves_the_others_to_work_it_out() -> None:
    store = world()
    callers = FixedCallers({"one": _NA})
    judge = ReadJudge(store, callers)
    whole = answer(store, NodesQuery()) * ROWS_AT_ONCE

    leaving = asyncio.ensure_future(judge.seen_in_bits(NodesQuery(), callers.caller("one"), whole, 7))
    staying = asyncio.ensure_future(judge.seen_in_bits(NodesQuery(), callers.caller("one"), whole, 7))
    await asyncio.sleep(0)
    leaving.cancel()

    assert len(cast("list[object]", (await staying).value)) == ROWS_AT_ONCE
