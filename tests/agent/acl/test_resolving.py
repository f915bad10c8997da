"""What a token comes to at an agent, by a clock that the tests move."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from structlog.testing import LogCapture

from lictor_agent.acl import resolving
from lictor_agent.acl.resolving import (
    ASKING_MAX,
    AWAY_S,
    TOKENS_MAX,
    UNKNOWN_S,
    DownPolicy,
    ResolvingSettings,
    Tokens,
)
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.acl.rules import Access, Resource, Rule
from lictor_core.errors import NoLeaderError, OverloadedError, PermissionDeniedError
from tests.agent.harness import quiet_log
from tests.support.clock import ManualClock

KEYS = Rule(resource=Resource.KEY, is_prefix=True, access=Access.READ)


def grants(accessor: str = "a", *rules: Rule, expires_at_s: float | None = None) -> Grants:
    policy = GrantedPolicy(name="p", rules=rules)
    return Grants(
        accessor_id=accessor, policies=(policy,), default=DefaultPolicy.DENY, expires_at_s=expires_at_s, ttl_s=30.0
    )


class Servers:
    """Servers that know some tokens, can be lost, and count what they are asked."""

    def __init__(self, known: dict[str, Grants]) -> None:
        self.known = known
        self.is_lost = False
        self.asked: Counter[str] = Counter()
        self.hold: asyncio.Event | None = None

    async def resolve(self, secret: str) -> Grants:
        self.asked[secret] += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.is_lost:
            raise NoLeaderError
        if secret not in self.known:
            raise PermissionDeniedError("ACL not found")
        return self.known[secret]


class Bench:
    """Tokens of an agent before such servers."""

    def __init__(
        self, *, policy: DownPolicy = DownPolicy.EXTEND_CACHE, recovery: str = "", ttl_s: float = 30.0
    ) -> None:
        self.servers = Servers({"s": grants("a", KEYS), "": grants("anonymous")})
        self.clock = ManualClock()
        self.log, self.captured = quiet_log()
        settings = ResolvingSettings(node_name="n1", down_policy=policy, ttl_s=ttl_s)
        self.tokens = Tokens(self.servers.resolve, settings, lambda: recovery, self.clock, self.log)

    async def reads_keys(self, secret: str = "s") -> bool:
        return (await self.tokens.caller(secret)).authorizer.allows(Resource.KEY, "k")


def events(captured: LogCapture) -> list[str]:
    return [str(entry["event"]) for entry in captured.entries]


async def test_a_token_is_asked_for_once_in_its_time_and_anew_after_it() -> None:
    bench = Bench()
    assert bench.tokens.at_once("s") is None
    first = await bench.tokens.caller("s")
    assert await bench.tokens.caller("s") is first
    assert bench.tokens.at_once("s") is first
    bench.clock.advance(29.9)
    await bench.tokens.caller("s")
    assert bench.servers.asked["s"] == 1
    bench.clock.advance(0.2)
    assert bench.tokens.at_once("s") is None
    assert await bench.tokens.caller("s") is first, "what did not change is the same caller, with the same stamp"
    assert bench.servers.asked["s"] == 2


async def test_a_revoked_token_is_refused_once_its_time_is_over() -> None:
    bench = Bench()
    assert await bench.reads_keys()
    del bench.servers.known["s"]
    assert await bench.reads_keys()
    bench.clock.advance(30)
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        await bench.tokens.caller("s")


async def test_rights_that_changed_have_a_higher_stamp() -> None:
    bench = Bench()
    before = await bench.tokens.caller("s")
    bench.servers.known["s"] = grants("a")
    bench.clock.advance(30)
    after = await bench.tokens.caller("s")
    assert after.stamp > before.stamp
    assert not after.authorizer.allows(Resource.KEY, "k")


async def test_many_who_ask_at_once_are_one_question() -> None:
    bench = Bench()
    bench.servers.hold = asyncio.Event()
    asking = [asyncio.ensure_future(bench.tokens.caller("s")) for _ in range(50)]
    await asyncio.sleep(0)
    bench.servers.hold.set()
    assert len({id(one) for one in await asyncio.gather(*asking)}) == 1
    assert bench.servers.asked["s"] == 1


async def test_an_unknown_token_is_remembered_for_a_moment_alone() -> None:
    bench = Bench()
    for _ in range(3):
        with pytest.raises(PermissionDeniedError, match="ACL not found"):
            await bench.tokens.caller("x")
    assert bench.servers.asked["x"] == 1
    bench.servers.known["x"] = grants("b", KEYS)
    bench.clock.advance(UNKNOWN_S)
    assert await bench.reads_keys("x")


async def test_an_expired_token_is_unknown_at_that_very_moment() -> None:
    bench = Bench()
    bench.servers.known["s"] = grants("a", KEYS, expires_at_s=bench.clock.now() + 5)
    assert await bench.reads_keys()
    bench.clock.advance(5)
    assert bench.tokens.at_once("s") is None
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        await bench.tokens.caller("s")


@pytest.mark.parametrize(
    ("policy", "known", "unknown"),
    [
        (DownPolicy.ALLOW, True, True),
        (DownPolicy.DENY, False, False),
        (DownPolicy.EXTEND_CACHE, True, False),
        (DownPolicy.ASYNC_CACHE, True, False),
    ],
)
async def test_while_no_server_answers_the_down_policy_counts(policy: DownPolicy, known: bool, unknown: bool) -> None:
    bench = Bench(policy=policy)
    assert await bench.reads_keys()
    bench.servers.is_lost = True
    assert await bench.reads_keys(), "its time is not over: nobody is asked"
    bench.clock.advance(3600)
    assert await bench.reads_keys() is known
    assert await bench.reads_keys("never seen") is unknown


async def test_a_token_that_expires_while_no_server_answers_is_refused() -> None:
    bench = Bench()
    bench.servers.known["s"] = grants("a", KEYS, expires_at_s=bench.clock.now() + 60)
    assert await bench.reads_keys()
    bench.servers.is_lost = True
    bench.clock.advance(40)
    assert await bench.reads_keys()
    bench.clock.advance(20)
    with pytest.raises(PermissionDeniedError):
        await bench.tokens.caller("s")


async def test_lost_servers_are_asked_once_a_moment_and_told_of_once() -> None:
    bench = Bench()
    await bench.reads_keys()
    bench.servers.is_lost = True
    bench.clock.advance(30)
    for _ in range(10):
        await bench.reads_keys()
    assert bench.servers.asked["s"] == 2
    bench.clock.advance(AWAY_S)
    await bench.reads_keys()
    assert bench.servers.asked["s"] == 3
    bench.servers.is_lost = False
    bench.clock.advance(AWAY_S)
    await bench.reads_keys()
    assert events(bench.captured) == ["acl.servers.lost", "acl.servers.answered"]


async def test_async_cache_answers_at_once_and_asks_behind() -> None:
    bench = Bench(policy=DownPolicy.ASYNC_CACHE)
    await bench.reads_keys()
    bench.servers.known["s"] = grants("a")
    bench.servers.hold = asyncio.Event()
    bench.clock.advance(30)
    assert await bench.reads_keys(), "the servers have not answered yet"
    bench.servers.hold.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not await bench.reads_keys()
    assert bench.servers.asked["s"] == 2


async def test_the_recovery_token_reaches_this_agent_and_sees_nodes_without_any_server() -> None:
    bench = Bench(recovery="r")
    bench.servers.is_lost = True
    authorizer = (await bench.tokens.caller("r")).authorizer
    assert authorizer.allows(Resource.AGENT, "n1", Access.WRITE)
    assert authorizer.allows(Resource.NODE, "other")
    assert not authorizer.allows(Resource.NODE, "n1", Access.WRITE)
    assert not authorizer.allows(Resource.AGENT, "n2")
    assert not authorizer.allows(Resource.KEY, "k")
    assert not bench.servers.asked


async def test_without_a_recovery_token_an_empty_one_is_the_anonymous_one() -> None:
    bench = Bench()
    assert (await bench.tokens.caller("")).accessor_id == "anonymous"


async def test_the_word_that_there_is_no_access_control_is_believed_for_its_own_time() -> None:
    bench = Bench()
    bench.servers.known["s"] = Grants(accessor_id="", default=DefaultPolicy.DISABLED)
    assert (await bench.tokens.caller("s")).authorizer.allows(Resource.ACL, access=Access.WRITE)
    bench.servers.known["s"] = grants("a")
    bench.clock.advance(119)
    assert await bench.reads_keys()
    bench.clock.advance(2)
    assert not await bench.reads_keys()


async def test_what_was_forgotten_is_asked_anew_and_counts_while_no_server_answers() -> None:
    bench = Bench()
    await bench.reads_keys()
    bench.tokens.forget()
    assert bench.tokens.at_once("s") is None
    bench.servers.is_lost = True
    assert await bench.reads_keys()
    assert bench.servers.asked["s"] == 2


async def test_with_no_time_to_live_every_question_goes_to_the_servers() -> None:
    bench = Bench(ttl_s=0.0)
    await bench.reads_keys()
    await bench.reads_keys()
    assert bench.servers.asked["s"] == 2


async def test_tokens_beyond_the_bound_push_out_the_one_not_shown_for_longest() -> None:
    bench = Bench()
    await bench.reads_keys()
    for number in range(TOKENS_MAX):
        with pytest.raises(PermissionDeniedError):
            await bench.tokens.caller(f"x{number}")
    assert len(bench.tokens) == TOKENS_MAX
    await bench.reads_keys()
    assert bench.servers.asked["s"] == 2


async def test_more_tokens_than_the_bound_are_not_asked_for_at_once() -> None:
    bench = Bench()
    bench.servers.hold = asyncio.Event()
    asking = [asyncio.ensure_future(bench.tokens.caller(f"x{number}")) for number in range(ASKING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await bench.tokens.caller("one more")
    bench.servers.hold.set()
    await asyncio.gather(*asking, return_exceptions=True)
    await bench.reads_keys()


async def test_stopping_ends_what_is_asked() -> None:
    bench = Bench()
    bench.servers.hold = asyncio.Event()
    asking = asyncio.ensure_future(bench.tokens.caller("x"))
    await asyncio.sleep(0)
    await bench.tokens.stop()
    assert not (await asking).authorizer.allows(Resource.KEY, "k")


async def test_a_server_that_takes_long_holds_up_one_who_asks_and_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "_ASK_S_MAX", 0.01)
    bench = Bench()
    await bench.reads_keys()
    bench.servers.hold = asyncio.Event()
    bench.clock.advance(30)
    assert await bench.reads_keys(), "what was known counts after a while"
    async with asyncio.timeout(20):
        monkeypatch.setattr(resolving, "_ASK_S_MAX", 3600.0)
        assert await bench.reads_keys(), "at once"
    bench.servers.hold.set()
    await bench.tokens.stop()
