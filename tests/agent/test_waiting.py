"""Waiting for one thing of the local state."""

from __future__ import annotations

import asyncio

import pytest

from lictor_agent import waiting
from lictor_agent.local import LocalState, Subject
from lictor_agent.waiting import ChangeWaiter
from lictor_core.errors import OverloadedError
from tests.agent.builders import local_service
from tests.support.conditions import eventually


@pytest.fixture
def local() -> LocalState:
    state = LocalState()
    state.put_service(local_service("a"))
    state.put_service(local_service("b"))
    return state


async def test_a_version_that_is_not_the_seen_one_returns_at_once(local: LocalState) -> None:
    waiter = ChangeWaiter(local)
    async with asyncio.timeout(30):
        version = await waiter.wait(Subject.SERVICE, "a", 0, 60)
        assert version == local.changed_at(Subject.SERVICE, "a")
        assert await waiter.wait(Subject.SERVICE, "a", version, 0) == version


async def test_a_waiter_wakes_for_its_own_thing_only(local: LocalState) -> None:
    waiter = ChangeWaiter(local)
    seen = {name: local.changed_at(Subject.SERVICE, name) for name in "ab"}
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(waiter.wait(Subject.SERVICE, name, seen[name], 60)) for name in "ab"}
        await asyncio.sleep(0)
        local.put_service(local_service("a", tags=("t",)))
        await eventually(tasks["a"].done, what="the waiter of a woke")
        assert not tasks["b"].done()
        local.remove_service("b")
        await eventually(tasks["b"].done, what="the waiter of b woke")
    assert tasks["b"].result() > seen["b"]


async def test_a_wait_ends_in_time_with_nothing_changed(local: LocalState) -> None:
    seen = local.changed_at(Subject.SERVICE, "a")
    assert await ChangeWaiter(local).wait(Subject.SERVICE, "a", seen, 0.05) == seen


async def test_a_cancelled_waiter_leaves_its_place_to_others(
    local: LocalState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAITERS_MAX", 1)
    waiter = ChangeWaiter(local)
    seen = local.changed_at(Subject.SERVICE, "a")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(waiter.wait(Subject.SERVICE, "a", seen, 60))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="1 reads of local services already wait"):
            await waiter.wait(Subject.SERVICE, "b", local.changed_at(Subject.SERVICE, "b"), 60)
        task.cancel()
    assert await waiter.wait(Subject.SERVICE, "a", seen, 0.01) == seen
