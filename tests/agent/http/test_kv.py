"""`/v1/kv/<key>`."""

from __future__ import annotations

import base64

import pytest

from tests.agent.http.live import Live


async def test_a_value_is_read_back_with_its_flags(live: Live) -> None:
    assert (await live.put("/v1/kv/a/b?flags=18446744073709551615", b"\x00\xff")).json is True
    answer = await live.get("/v1/kv/a/b")
    assert answer.headers["X-Consul-Knownleader"] == "true"
    assert answer.json == [
        {
            "LockIndex": 0,
            "Key": "a/b",
            "Flags": 2**64 - 1,
            "Value": base64.b64encode(b"\x00\xff").decode(),
            "CreateIndex": answer.index,
            "ModifyIndex": answer.index,
        }
    ]


async def test_an_empty_value_is_null(live: Live) -> None:
    await live.put("/v1/kv/empty")
    assert '"Value":null' in (await live.get("/v1/kv/empty")).text


async def test_a_raw_value_cannot_run_in_a_browser(live: Live) -> None:
    await live.put("/v1/kv/page", b"<script>")
    answer = await live.get("/v1/kv/page?raw")
    assert answer.body == b"<script>"
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"


async def test_a_missing_key_is_404_with_an_index_to_wait_for(live: Live) -> None:
    for query in ("", "?raw", "?recurse", "?keys"):
        answer = await live.get(f"/v1/kv/none{query}")
        assert (answer.status, answer.body) == (404, b"")
        assert answer.index > 0


async def test_names_are_listed_up_to_the_separator(live: Live) -> None:
    for key in ("a/1", "a/b/2", "a/b/3", "c"):
        await live.put(f"/v1/kv/{key}", b"")
    assert (await live.get("/v1/kv/?keys")).json == ["a/1", "a/b/2", "a/b/3", "c"]
    assert (await live.get("/v1/kv/a/?keys&separator=/")).json == ["a/1", "a/b/"]


async def test_the_names_of_an_empty_store_are_an_empty_list(live: Live) -> None:
    answer = await live.get("/v1/kv/?keys")
    assert (answer.status, answer.json) == (200, [])


async def test_a_tree_is_deleted_whole(live: Live) -> None:
    for key in ("a/1", "a/2", "b"):
        await live.put(f"/v1/kv/{key}", b"")
    assert (await live.ask("DELETE", "/v1/kv/a/?recurse")).json is True
    assert (await live.get("/v1/kv/?keys")).json == ["b"]


async def test_compare_and_set_says_who_won(live: Live) -> None:
    assert (await live.put("/v1/kv/a?cas=0", b"1")).json is True
    assert (await live.put("/v1/kv/a?cas=0", b"2")).json is False
    index = (await live.get("/v1/kv/a")).index
    assert (await live.put(f"/v1/kv/a?cas={index}", b"3")).json is True
    assert (await live.ask("DELETE", f"/v1/kv/a?cas={index}")).json is False
    assert (await live.get("/v1/kv/a?raw")).body == b"3"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/v1/kv/", 400, "Missing key name"),
        ("PUT", "/v1/kv/", 400, "Missing key name"),
        ("DELETE", "/v1/kv/", 400, "Missing key name"),
        ("PUT", "/v1/kv/a?flags=red", 500, 'strconv.ParseUint: parsing "red": invalid syntax'),
        ("PUT", "/v1/kv/a?cas=now", 500, 'strconv.ParseUint: parsing "now": invalid syntax'),
        ("PUT", "/v1/kv/a?acquire=x&cas=0", 400, "Conflicting flags: acquire=x&cas=0"),
        ("DELETE", "/v1/kv/a?recurse&cas=1", 400, "Conflicting flags: cas=1&recurse="),
        ("PUT", "/v1/kv/a?acquire=x", 500, "failed session lookup: index error: UUID must be 36 characters"),
        ("PUT", "/v1/kv/a?acquire=", 500, "missing session"),
        ("PUT", "/v1/kv/a?dc=elsewhere", 500, "No path to datacenter"),
        ("GET", "/v1/kv/a?dc=elsewhere", 500, "No path to datacenter"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    live: Live, method: str, path: str, status: int, text: str
) -> None:
    answer = await live.ask(method, path)
    assert (answer.status, answer.text) == (status, text)
    assert (await live.get("/v1/kv/?keys")).json == []


async def test_releasing_a_lock_that_nobody_holds_changes_nothing(live: Live) -> None:
    assert (await live.put("/v1/kv/a?release=x", b"v")).json is False
    assert (await live.get("/v1/kv/a")).status == 404


async def test_keys_are_any_text(live: Live) -> None:
    await live.put("/v1/kv/r%C3%BCck%20seite%2F%3C%26+", b"x")
    assert (await live.get("/v1/kv/?keys")).json == ["rück seite/<&+"]


async def test_reads_of_all_forms_are_answered_from_what_is_kept_until_a_key_of_theirs_changes(live: Live) -> None:
    paths = (
        "/v1/kv/a/1",
        "/v1/kv/a/1?raw",
        "/v1/kv/a/?recurse",
        "/v1/kv/a/?keys",
        "/v1/kv/a/2?raw",
        "/v1/kv/b?recurse",
    )
    await live.put("/v1/kv/a/1", b"first")
    before = {path: await live.get(path) for path in paths}
    asked = len(live.events("http.request.answered"))
    for path in paths:
        answer = await live.get(path)
        assert (answer.status, answer.body, answer.index) == (
            before[path].status,
            before[path].body,
            before[path].index,
        )
    assert len(live.events("http.request.answered")) == asked, "nobody was asked again"
    await live.put("/v1/kv/a/2", b"second")
    await live.put("/v1/kv/b/1", b"third")
    assert (await live.get("/v1/kv/a/?keys")).json == ["a/1", "a/2"]
    assert (await live.get("/v1/kv/a/?recurse")).text.count("ModifyIndex") == 2
    assert (await live.get("/v1/kv/a/2?raw")).body == b"second"
    assert (await live.get("/v1/kv/b?recurse")).status == 200
    asked = len(live.events("http.request.answered"))
    assert (await live.get("/v1/kv/a/1?raw")).body == b"first"
    assert len(live.events("http.request.answered")) == asked
