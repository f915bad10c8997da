"""Which calls are sent again, how often, and when: the rules, and both clients by them."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor.api.calls import kv, status
from lictor.api.errors import AgentError, ApiError, TimedOutError, UnreachableError, UnreadableError
from lictor.api.retrying import ATTEMPT_S_MIN, NO_RETRY, Attempts, Retry, is_safe
from lictor.api.settings import Settings, parse_address
from lictor_core.clock import SeededRng
from tests.client.fake_agent import FakeAgent, Reply, Seen, fake_agent
from tests.client.senders import Sender

T = TypeVar("T")


def attempts(retry: Retry, method: str = "GET", timeout_s: float = 10.0) -> Attempts:
    return Attempts(retry, SeededRng(1), method=method, timeout_s=timeout_s, now=100.0)


NO_LEADER = AgentError(500, "No cluster leader")
BUSY = AgentError(429, "too many", 1.0)
BROKEN = AgentError(500, "rpc error")
SILENT = TimedOutError("silent")
AWAY = UnreachableError("127.0.0.1:1", "refused")


@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (AWAY, True, True),
        (NO_LEADER, True, True),
        (BUSY, True, True),
        (BROKEN, True, False),
        (SILENT, True, False),
        (AgentError(400, "wrong"), False, False),
        (AgentError(403, "denied"), False, False),
        (AgentError(404, ""), False, False),
        (UnreadableError("rubbish"), False, False),
    ],
)
def test_a_write_is_sent_again_only_when_nothing_was_done(error: ApiError, read: bool, write: bool) -> None:
    assert (is_safe(error, "GET"), is_safe(error, "PUT")) == (read, write)


def test_pauses_grow_up_to_a_bound_and_end() -> None:
    made = attempts(Retry(times=5, pause_s=0.1, pause_s_max=0.5))
    pauses = [made.failed(SILENT, 100.0) for _ in range(6)]
    assert pauses[-1] is None
    bounds = [0.1, 0.2, 0.4, 0.5, 0.5]
    assert all(pause is not None and most / 2 <= pause <= most for pause, most in zip(pauses, bounds, strict=False))


def test_an_agent_that_asks_for_a_pause_gets_it() -> None:
    pause_s = attempts(Retry()).failed(BUSY, 100.0)
    assert pause_s is not None
    assert 1.0 < pause_s < 1.2


@given(st.floats(0, 20), st.floats(0.1, 5), st.integers(0, 5))
def test_no_pause_outlasts_the_calls_time(elapsed_s: float, pause_s: float, times: int) -> None:
    made = attempts(Retry(times=times, pause_s=pause_s, pause_s_max=10.0))
    found = made.failed(SILENT, 100.0 + elapsed_s)
    assert found is None or elapsed_s + found + ATTEMPT_S_MIN < 10.0


# the clients


def reaching(fake: FakeAgent) -> Settings:
    retry = Retry(times=3, pause_s=0.01, pause_s_max=0.02)
    return Settings(endpoint=parse_address(fake.address), timeout_s=10.0, retry=retry)


def after(failures: int, failure: Reply, success: Reply) -> Callable[[Seen], Reply]:
    """Fails so often, then succeeds."""
    coming = itertools.chain(itertools.repeat(failure, failures), itertools.repeat(success))
    return lambda _: next(coming)


def test_a_read_is_tried_again(send: Sender) -> None:
    for failure in (Reply(500, b"rpc error"), Reply(breaks_off=True), Reply(429, b"busy", {"Retry-After": "0"})):
        with fake_agent(after(3, failure, Reply(body=b'"x"'))) as fake:
            assert send(reaching(fake), status.leader()) == "x"
        assert len(fake.seen) == 4


def test_a_write_whose_outcome_is_unknown_is_sent_once(send: Sender) -> None:
    for failure in (Reply(500, b"rpc error"), Reply(breaks_off=True)):
        with fake_agent(after(1, failure, Reply(body=b"true"))) as fake, pytest.raises(ApiError) as caught:
            send(reaching(fake), kv.put("a", b"b"))
        assert len(fake.seen) == 1
        assert not caught.value.definite


def test_a_write_that_was_surely_not_done_is_sent_again(send: Sender) -> None:
    with fake_agent(after(2, Reply(500, b"No cluster leader"), Reply(body=b"true"))) as fake:
        assert send(reaching(fake), kv.put("a", b"b")) is True
    assert [one.body for one in fake.seen] == [b"b"] * 3


def test_whoever_wants_no_retries_has_none(send: Sender) -> None:
    with fake_agent(lambda _: Reply(500, b"rpc error")) as fake, pytest.raises(AgentError):
        send(replace(reaching(fake), retry=NO_RETRY), status.leader())
    assert len(fake.seen) == 1


def test_retries_end_with_the_calls_time(send: Sender) -> None:
    retry = Retry(times=1000, pause_s=0.2, pause_s_max=0.2)
    with fake_agent(lambda _: Reply(500, b"rpc error")) as fake, pytest.raises(ApiError):
        send(replace(reaching(fake), retry=retry, timeout_s=0.5), status.leader())
    assert 1 < len(fake.seen) <= 6
