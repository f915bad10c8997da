"""What is kept is given only while it holds, and is never more than the bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from lictor_agent.http.encoding import Rendered, Reuse
from lictor_agent.http.hot_answers import HotAnswers, Tick
from lictor_agent.http.settings import HttpSettings
from lictor_core.commands import ReadMode
from lictor_core.queries import KeyQuery, Query
from lictor_core.registry import Confirmation
from tests.agent.http.kept_elsewhere import HEAD, OTHER, RENDERED, Confirming, Source


async def confirmed(answers: HotAnswers, head: bytes) -> bytes | None:
    """The answer to `head` once it was asked for; None where none is kept, too."""
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    return await told if answers.confirm(head, told.set_result) else None


async def test_an_answer_from_elsewhere_is_given_only_when_it_was_confirmed() -> None:
    confirming = Confirming()
    answers = confirming.answers()
    assert answers.find(HEAD) is None
    assert await confirmed(answers, HEAD) == RENDERED.at(b"now")
    assert confirming.asked == [(KeyQuery(key="a"), ReadMode.DEFAULT)]
    assert await confirmed(answers, OTHER) is None


async def test_an_answer_from_elsewhere_whose_stamp_changed_is_dropped() -> None:
    confirming = Confirming(stamp=2)
    answers = confirming.answers()
    assert await confirmed(answers, HEAD) is None
    assert len(answers) == 0


async def test_an_answer_that_nobody_can_confirm_now_is_not_given_but_stays() -> None:
    confirming = Confirming(stamp=None)
    answers = confirming.answers()
    assert await confirmed(answers, HEAD) is None
    confirming.stamp = 1
    assert await confirmed(answers, HEAD) == RENDERED.at(b"now")


async def test_what_another_server_answered_is_forgotten_and_what_is_kept_here_is_not() -> None:
    answers = Confirming().answers()
    answers.keep(OTHER, Reuse(KeyQuery(key="b"), ReadMode.DEFAULT, 1, is_kept=True), RENDERED)
    answers.forget_confirmed()
    assert answers.find(OTHER) == RENDERED.at(b"now")
    assert await confirmed(answers, HEAD) is None


async def test_a_server_in_the_process_is_asked_for_what_it_cannot_tell_at_once() -> None:
    asked: list[ReadMode] = []

    async def confirm(queries: Sequence[Query[object]], mode: ReadMode, tokens: Sequence[str]) -> Confirmation:
        asked.append(mode)
        return Confirmation([1] * len(queries))

    source = Source(answers=False)
    answers = HotAnswers(source, Tick(1.0, b"now"), HttpSettings(), confirm=confirm)
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.CONSISTENT, 1), RENDERED)
    assert answers.find(HEAD) is None
    assert await confirmed(answers, HEAD) == RENDERED.at(b"now")
    assert asked == [ReadMode.CONSISTENT]


def test_a_kept_answer_is_looked_at_again_only_when_the_state_has_moved() -> None:
    source = Source()
    answers = HotAnswers(source, Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1), RENDERED)
    for _ in range(3):
        assert answers.find(HEAD) == RENDERED.at(b"now")
    assert source.stamps_read == 1
    source.index = 2
    assert answers.find(HEAD) is not None, "another key changed"
    assert source.stamps_read == 2
    source.answers = False
    assert answers.find(HEAD) is None, "another server may lead"
    source.answers, source.index, source.stamp = True, 3, 3
    assert answers.find(HEAD) is None
    assert len(answers) == 0


STALE = Rendered(b"HTTP/1.1 200 OK\r\nX-Consul-Lastcontact: 12\r\nDate: ", b"\r\n\r\nLastcontact: 12")


def stale(confirming: Confirming, *, max_stale_s: float = 0.0) -> HotAnswers:
    """Answers of which one is stale."""
    answers = HotAnswers(None, Tick(1.0, b"now"), HttpSettings(), confirm=confirming)
    reuse = Reuse(KeyQuery(key="a"), ReadMode.STALE, 1, last_contact_ms=12, max_stale_s=max_stale_s)
    answers.keep(HEAD, reuse, STALE)
    return answers


async def test_a_stale_answer_says_when_the_leader_was_heard_as_the_servers_tell_now() -> None:
    confirming = Confirming()
    answers = stale(confirming)
    for heard_ms in (345, 0, 12):
        confirming.last_contact_ms = heard_ms
        expected = b"HTTP/1.1 200 OK\r\nX-Consul-Lastcontact: %d\r\nDate: now\r\n\r\nLastcontact: 12" % heard_ms
        assert await confirmed(answers, HEAD) == expected


async def test_a_stale_answer_that_knew_a_leader_is_not_given_while_none_is_known() -> None:
    confirming = Confirming(known_leader=False)
    answers = stale(confirming)
    assert await confirmed(answers, HEAD) is None
    confirming.known_leader = True
    assert await confirmed(answers, HEAD) is not None


async def test_an_answer_that_knew_no_leader_is_not_kept() -> None:
    answers = HotAnswers(Source(), Tick(1.0, b"now"), HttpSettings(), confirm=Confirming())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.STALE, 1, known_leader=False), STALE)
    assert len(answers) == 0


async def test_a_server_that_leads_by_now_says_so_in_what_it_kept_before() -> None:
    answers = HotAnswers(Source(), Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.STALE, 1, last_contact_ms=12), STALE)
    found = answers.find(HEAD)
    assert found is not None
    assert b"X-Consul-Lastcontact: 0\r\n" in found


async def test_what_was_forgotten_while_it_was_asked_for_is_not_given() -> None:
    answers = Confirming().answers()
    told: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
    assert answers.confirm(HEAD, told.set_result)
    answers.forget_confirmed()
    assert await told is None


async def test_a_stale_answer_that_is_older_than_it_may_be_is_not_given() -> None:
    confirming = Confirming(last_contact_ms=5000)
    answers = stale(confirming, max_stale_s=5.0)
    assert await confirmed(answers, HEAD) is None
    confirming.last_contact_ms = 4999
    assert await confirmed(answers, HEAD) is not None


def test_no_more_answers_are_kept_than_the_bounds() -> None:
    tick = Tick(1.0, b"now")
    reuse = Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1)
    answers = HotAnswers(Source(), tick, HttpSettings(heads_max=3))
    for number in range(10):
        answers.keep(str(number).encode(), reuse, RENDERED)
    assert len(answers) == 3
    assert answers.find(b"9") is not None
    assert answers.find(b"0") is None
    small = HotAnswers(Source(), tick, HttpSettings(answers_bytes_max=1000))
    for number in range(10):
        small.keep(str(number).encode(), reuse, Rendered(b"", b"x" * 400))
    assert len(small) == 2


def test_a_very_large_answer_is_not_kept() -> None:
    answers = HotAnswers(Source(), Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1), Rendered(b"", b"x" * 9_000_000))
    assert len(answers) == 0


def test_without_a_source_nothing_is_kept() -> None:
    answers = HotAnswers(None, Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1), RENDERED)
    assert answers.find(HEAD) is None


def test_whether_an_answer_still_holds_is_asked_for_the_token_that_brought_it() -> None:
    source = Source()
    answers = HotAnswers(source, Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1, token="t"), RENDERED)
    assert answers.find(HEAD) is not None
    assert source.tokens == ["t"]


def test_an_answer_to_a_token_that_expires_is_not_kept() -> None:
    answers = HotAnswers(Source(), Tick(1.0, b"now"), HttpSettings())
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1, token="ends"), RENDERED)
    assert len(answers) == 0
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 1, token="stays"), RENDERED)
    assert answers.find(HEAD) is not None
    answers.forget()
    assert (len(answers), answers.find(HEAD)) == (0, None)


def test_what_the_agent_keeps_holds_while_it_is_current_and_the_same() -> None:
    stamps: list[int | None] = [7]
    answers = HotAnswers(None, Tick(1.0, b"now"), HttpSettings(), lambda _, token: stamps[-1])
    answers.keep(HEAD, Reuse(KeyQuery(key="a"), ReadMode.DEFAULT, 7, is_kept=True), RENDERED)
    assert answers.find(HEAD) is not None
    stamps.append(None)
    assert answers.find(HEAD) is None, "it has an age by now"
    stamps.append(7)
    assert answers.find(HEAD) is not None, "nothing changed meanwhile"
    stamps.append(8)
    assert answers.find(HEAD) is None
    assert len(answers) == 0
