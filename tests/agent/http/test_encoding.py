"""Answers as bytes: JSON as Consul writes it, headers, gzip, what is kept."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Awaitable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.encoding import (
    Answer,
    AnswerCache,
    Encoded,
    accepts_gzip,
    json_body,
    long_json_body,
    long_json_object,
    pack_aside,
    render,
)
from lictor_agent.http.settings import HttpSettings
from lictor_core.aside import ASIDE_ROWS_MIN
from lictor_core.config_records import ChainAnswer
from lictor_core.queries import DiscoveryChainQuery, KeysQuery
from lictor_core.registry import Reading

DATE = b"Thu, 01 Jan 2026 00:00:00 GMT"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES, st.booleans())
def test_json_reads_back_the_same(value: object, pretty: bool) -> None:
    assert json.loads(json_body(value, pretty=pretty)) == value


def test_signs_of_html_are_escaped_as_go_does() -> None:
    assert json_body("<a>&", pretty=False) == b'"\\u003ca\\u003e\\u0026"'


def test_pretty_indents_by_four_and_ends_the_line() -> None:
    assert json_body({"a": [1], "b": {}, "c": []}, pretty=True) == (
        b'{\n    "a": [\n        1\n    ],\n    "b": {},\n    "c": []\n}\n'
    )
    assert json_body([], pretty=True) == b"[]\n"


def test_an_answer_is_dated_between_its_halves() -> None:
    answer = Answer(headers=(("Content-Type", "text/plain"),), body=b"hello")
    assert render(answer, method="GET", packed=False, keeps_alive=True).at(DATE) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nVary: Accept-Encoding\r\n"
        b"Date: " + DATE + b"\r\nContent-Length: 5\r\n\r\nhello"
    )


def test_a_head_has_the_length_and_no_body() -> None:
    wire = render(Answer(body=b"hello"), method="HEAD", packed=False, keeps_alive=True).at(DATE)
    assert wire.endswith(b"Content-Length: 5\r\n\r\n")


def test_the_end_of_a_connection_is_announced() -> None:
    wire = render(Answer(), method="GET", packed=False, keeps_alive=False).at(DATE)
    assert b"\r\nConnection: close\r\n" in wire
    old = render(Answer(), method="GET", packed=False, keeps_alive=True, is_http_1_0=True).at(DATE)
    assert b"\r\nConnection: keep-alive\r\n" in old


def test_a_packed_body_is_gzip_and_says_so() -> None:
    for answer in (Answer(body=b"hello"), Answer(encoded=Encoded(b"hello"))):
        head, _, body = render(answer, method="GET", packed=True, keeps_alive=True).at(DATE).partition(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head
        assert gzip.decompress(body) == b"hello"


def test_a_line_end_cannot_get_into_a_header() -> None:
    wire = render(
        Answer(headers=(("X-Consul-Reason", "a\r\nX-Evil: 1"),)), method="GET", packed=False, keeps_alive=True
    )
    assert b"\r\nX-Evil" not in wire.at(DATE)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("", False),
        ("gzip;q=0", False),
        ("*", False),
        ("gzip;q=0.000", False),
    ],
)
def test_gzip_is_used_where_it_is_accepted(header: str, expected: bool) -> None:
    assert accepts_gzip(header) is expected


def reading(value: list[str], stamp: int) -> Reading[list[str]]:
    return Reading(value=value, index=stamp, stamp=stamp)


def test_a_body_is_encoded_once_for_each_stamp() -> None:
    cache = AnswerCache(HttpSettings())
    query = KeysQuery(prefix="a")
    first, was_kept = cache.encoded(query, reading(["a"], 1), pretty=False)
    assert not was_kept
    again, was_kept = cache.encoded(query, reading(["a"], 1), pretty=False)
    assert was_kept
    assert again is first
    changed, _ = cache.encoded(query, reading(["a", "ab"], 2), pretty=False)
    assert changed.plain == b'["a","ab"]'


def test_pretty_and_plain_are_kept_apart() -> None:
    cache = AnswerCache(HttpSettings())
    query = KeysQuery(prefix="a")
    plain, _ = cache.encoded(query, reading(["a"], 1), pretty=False)
    pretty, _ = cache.encoded(query, reading(["a"], 1), pretty=True)
    assert plain.plain != pretty.plain


def test_no_more_answers_are_kept_than_the_bound() -> None:
    cache = AnswerCache(HttpSettings(answers_max=3))
    for number in range(10):
        cache.encoded(KeysQuery(prefix=str(number)), reading([str(number)], 1), pretty=False)
    assert len(cache) == 3
    assert cache.encoded(KeysQuery(prefix="9"), reading(["9"], 1), pretty=False)[1]


def test_no_more_bytes_are_kept_than_the_bound() -> None:
    cache = AnswerCache(HttpSettings(answers_bytes_max=1000))
    for number in range(10):
        cache.encoded(KeysQuery(prefix=str(number)), reading(["v" * 400], 1), pretty=False)
    assert len(cache) == 2


def test_a_body_above_the_bound_drops_no_other() -> None:
    cache = AnswerCache(HttpSettings(answers_bytes_max=1000))
    cache.encoded(KeysQuery(prefix="a"), reading(["v" * 400], 1), pretty=False)
    cache.encoded(KeysQuery(prefix="b"), reading(["v" * 4000], 1), pretty=False)
    assert cache.encoded(KeysQuery(prefix="a"), reading(["v" * 400], 1), pretty=False)[1]


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 600])
def test_many_rows_are_shown_as_few_are(count: int, pretty: bool) -> None:
    rows: list[object] = [{"Key": f"<{number}>", "Tags": [], "Flags": number} for number in range(count)]
    rests: list[None] = []
    assert long_json_body(rows, lambda: rests.append(None), pretty=pretty) == json_body(rows, pretty=pretty)
    assert len(rests) == -(-count // 250)


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize("count", [0, 1, 700])
def test_an_object_with_many_rows_is_shown_as_one_with_few(
    count: int, pretty: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lictor_agent.http.encoding._RUN_BYTES", 1000)
    rows: list[object] = [{"KV": {"Key": f"<{number}\n>", "Tags": []}} for number in range(count)]
    rest = {"Errors": None, "Index": 0, "KnownLeader": True}
    whole = json_body({"Results": rows, **rest}, pretty=pretty)
    assert long_json_object("Results", rows, rest, lambda: None, pretty=pretty) == whole


async def test_a_large_chain_is_shown_beside_the_loop() -> None:
    cache, query = AnswerCache(HttpSettings()), DiscoveryChainQuery(service="web")
    targets = {f"s{number}": {"ID": f"s{number}"} for number in range(300)}
    few: dict[str, dict[str, str]] = {"s1": {}}
    for names, is_aside in ((targets, True), (few, False)):
        chain = Reading(value=ChainAnswer(chain={"Targets": names}), index=1, stamp=len(names))
        threads: set[int] = set()

        def shape(answer: ChainAnswer, threads: set[int] = threads) -> object:
            threads.add(threading.get_ident())
            return answer.chain

        body, _ = await cache.encoded_aside(query, chain, pretty=False, shape=shape)
        assert json.loads(body.plain) == {"Targets": names}
        assert (threads != {threading.get_ident()}) == is_aside


async def _passes_while(work: Awaitable[object]) -> int:
    """How often the loop came round meanwhile."""
    working, passes = asyncio.ensure_future(work), 0
    while not working.done():
        await asyncio.sleep(0)
        passes += 1
    await working
    return passes


async def test_a_long_list_is_shown_beside_the_loop_and_kept() -> None:
    cache, query = AnswerCache(HttpSettings()), KeysQuery(prefix="a")
    rows = [f"a/{number}" for number in range(10 * ASIDE_ROWS_MIN)]
    threads: set[int] = set()

    def shape(names: list[str]) -> list[str]:
        threads.add(threading.get_ident())
        return names

    assert await _passes_while(cache.encoded_aside(query, reading(rows, 1), pretty=False, shape=shape)) > 1
    assert threads != {threading.get_ident()}
    kept, was_kept = await cache.encoded_aside(query, reading(rows, 1), pretty=False, shape=shape)
    assert was_kept
    assert json.loads(kept.plain) == rows


async def test_a_short_list_is_shown_at_once() -> None:
    cache, query = AnswerCache(HttpSettings()), KeysQuery(prefix="a")
    assert await _passes_while(cache.encoded_aside(query, reading(["a"], 1), pretty=False)) == 1


async def test_a_large_body_is_packed_beside_the_loop() -> None:
    answer = Answer(body=b"0123456789abcdef" * 100_000)
    packing = asyncio.ensure_future(pack_aside(answer))
    assert await _passes_while(packing) > 1
    packed = await packing
    assert packed.encoded is not None
    assert gzip.decompress(packed.encoded.packed()) == answer.body
    assert render(packed, method="GET", packed=True, keeps_alive=True) == render(
        answer, method="GET", packed=True, keeps_alive=True
    )
