"""Streams of what a token sees: alike for all of a scope, told anew when that changes, ended when it sees nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import cast

import pytest

from lictor_core.acl.caller import Caller
from lictor_core.acl.commands import AclPolicySet
from lictor_core.clock import SystemClock
from lictor_core.commands import Command, KVSet
from lictor_core.errors import PermissionDeniedError
from lictor_core.queries import KeyQuery, Query, TreeQuery
from lictor_core.records import KVEntry
from lictor_core.view import View
from lictor_server.acl.reading import ReadJudge
from lictor_server.state import Store, Watches, apply
from lictor_server.streams import Publishers
from tests.server import build_acl
from tests.server.acl.world import FixedCallers, judge_of

TREE = cast("Query[object]", TreeQuery(prefix=""))
S_MAX = 20.0
_A = 'key_prefix "a" { policy = "read" }'
_ALL = 'key_prefix "" { policy = "read" }'


class Judged:
    """A store with the keys a and b, its publishers, and callers that a test may change."""

    def __init__(self) -> None:
        self.store, self.watches, self.index = Store("dc1"), Watches(), 2
        self.callers = FixedCallers({"one": _A, "two": _A, "all": _ALL})
        self.publishers = Publishers(
            self.store,
            self.watches,
            lambda: "c1",
            SystemClock(),
            fresh=self.fresh,
            judge=ReadJudge(self.store, self.callers),
        )
        for key in ("a", "b"):
            self.write(KVSet(key=key, value=b"1"))

    async def fresh(self, is_behind: bool) -> None:
        """The store of a test is always current."""

    def write(self, command: Command) -> None:
        self.index += 1
        _, change = apply(self.store, self.index, command)
        self.watches.fire(change)

    def grant(self, secret: str, text: str | None) -> None:
        """Change what a token comes to, as it happens when access control is written; None: revoke it."""
        if text is None:
            del self.callers.callers[secret]
        else:
            self.callers.callers[secret] = Caller(authorizer=judge_of(text))
        self.write(AclPolicySet(policy=build_acl.policy(f"p{self.index}")))

    @asynccontextmanager
    async def followed(self, token: str) -> AsyncGenerator[AsyncGenerator[bytes]]:
        async with aclosing(self.publishers.follow(TREE, None, token)) as items:
            yield items


async def _next(view: View[object], items: AsyncGenerator[bytes]) -> list[str]:
    async with asyncio.timeout(S_MAX):
        view.apply(await anext(items))
    return [one.key for one in cast("list[KVEntry]", view.value)]


async def test_a_token_is_told_what_it_sees_and_no_other_change() -> None:
    judged, view = Judged(), View(TREE)
    async with judged.followed("one") as items:
        assert await _next(view, items) == ["a"]
        judged.write(KVSet(key="b", value=b"hidden"))
        judged.write(KVSet(key="a2", value=b"2"))
        while len(found := await _next(view, items)) < 2:
            assert found == ["a"]
        assert found == ["a", "a2"]
    judged.publishers.close()


async def test_tokens_of_one_scope_share_a_publisher() -> None:
    judged = Judged()
    async with judged.followed("one") as one, judged.followed("two") as two, judged.followed("all") as whole:
        first, second, third = View(TREE), View(TREE), View(TREE)
        assert await _next(first, one) == await _next(second, two) == ["a"]
        assert await _next(third, whole) == ["a", "b"]
        assert len(judged.publishers) == 2
        assert first.bookmark == second.bookmark != third.bookmark
    judged.publishers.close()


async def test_who_sees_more_or_less_from_now_on_is_told_anew() -> None:
    judged, view = Judged(), View(TREE)
    async with judged.followed("one") as items:
        assert await _next(view, items) == ["a"]
        judged.grant("one", _ALL)
        assert await _next(view, items) == ["a", "b"]
        judged.grant("one", 'key "b" { policy = "read" }')
        assert await _next(view, items) == ["b"]
    judged.publishers.close()


async def test_the_stream_of_a_revoked_token_ends_though_nothing_else_changes() -> None:
    judged, view = Judged(), View(TREE)
    async with judged.followed("one") as items:
        await _next(view, items)
        judged.grant("one", None)
        with pytest.raises(PermissionDeniedError, match="ACL not found"):
            await _next(view, items)
    assert judged.publishers.followers == 0
    judged.publishers.close()


async def test_what_may_not_be_asked_is_not_followed() -> None:
    judged = Judged()
    key = cast("Query[object]", KeyQuery(key="b"))
    async with aclosing(judged.publishers.follow(key, None, "one")) as items:
        with pytest.raises(PermissionDeniedError, match="key:read"):
            await anext(items)
    assert len(judged.publishers) == 0
    judged.publishers.close()


async def test_who_comes_back_with_other_rights_does_not_go_on_from_what_it_saw() -> None:
    judged, view = Judged(), View(TREE)
    async with judged.followed("one") as items:
        await _next(view, items)
    async with aclosing(judged.publishers.follow(TREE, view.bookmark, "all")) as items:
        assert await _next(view, items) == ["a", "b"]
    judged.publishers.close()


async def test_who_comes_back_with_the_same_rights_goes_on() -> None:
    judged, view = Judged(), View(TREE)
    async with judged.followed("one") as items:
        await _next(view, items)
    before = view.value
    async with aclosing(judged.publishers.follow(TREE, view.bookmark, "two")) as items:
        assert await _next(view, items) == ["a"]
    assert view.value is before
    judged.publishers.close()
