"""`/v1/session/*`, and the locks of `/v1/kv`."""

from __future__ import annotations

import asyncio

from tests.agent.http.live import NODE, Live

NOBODY = "adf4238a-882b-9ddc-4a9d-5b6758e4159e"


async def created(live: Live, body: object = None) -> str:
    answer = await live.put("/v1/session/create", body)
    assert answer.status == 200, answer.text
    return answer.text_at("ID")


async def test_a_session_is_shown_with_consuls_defaults(live: Live) -> None:
    session = await created(live)
    answer = await live.get(f"/v1/session/info/{session}")
    assert answer.json == [
        {
            "ID": session,
            "Name": "",
            "Node": NODE,
            "LockDelay": 15_000_000_000,
            "Behavior": "release",
            "TTL": "",
            "NodeChecks": ["serfHealth"],
            "ServiceChecks": None,
            "CreateIndex": answer.index,
            "ModifyIndex": answer.index,
        }
    ]
    assert (await live.get("/v1/session/list")).json == answer.json
    assert (await live.get(f"/v1/session/node/{NODE.upper()}")).json == answer.json


async def test_a_lock_excludes_and_is_released(live: Live) -> None:
    one, two = await created(live), await created(live)
    assert (await live.put(f"/v1/kv/k?acquire={one}", b"1")).json is True
    assert (await live.put(f"/v1/kv/k?acquire={two}", b"2")).json is False
    assert (await live.put(f"/v1/kv/k?release={two}", b"2")).json is False
    held = await live.get("/v1/kv/k")
    assert (held.at("0.Session"), held.at("0.LockIndex")) == (one, 1)
    assert (await live.put(f"/v1/kv/k?release={one}", b"3")).json is True
    assert '"Session"' not in (await live.get("/v1/kv/k")).text
    assert (await live.put(f"/v1/kv/k?acquire={two}", b"4")).json is True
    assert (await live.get("/v1/kv/k")).at("0.LockIndex") == 2


async def test_destroying_a_session_wakes_who_waits_for_its_key_and_for_itself(live: Live) -> None:
    session = await created(live, {"LockDelay": "0s"})
    await live.put(f"/v1/kv/k?acquire={session}", b"1")
    key, info = await live.get("/v1/kv/k"), await live.get(f"/v1/session/info/{session}")
    waiting = [
        asyncio.ensure_future(live.get(f"/v1/kv/k?index={key.index}&wait=30s")),
        asyncio.ensure_future(live.get(f"/v1/session/info/{session}?index={info.index}&wait=30s")),
    ]
    assert (await live.put(f"/v1/session/destroy/{session}")).json is True
    async with asyncio.timeout(10):
        released, gone = await asyncio.gather(*waiting)
    assert "Session" not in released.text
    assert gone.json == []
    assert (await live.put(f"/v1/session/destroy/{session}")).json is True, "as often as one likes"


async def test_another_session_does_not_wake_who_waits_for_this_one(live: Live) -> None:
    session = await created(live)
    info = await live.get(f"/v1/session/info/{session}")
    waiting = asyncio.ensure_future(live.get(f"/v1/session/info/{session}?index={info.index}&wait=1s"))
    await created(live)
    answer = await waiting
    assert answer.index == info.index


async def test_a_key_cannot_be_locked_during_the_lock_delay(live: Live) -> None:
    one, two = await created(live, {"Behavior": "delete"}), await created(live)
    await live.put(f"/v1/kv/k?acquire={one}", b"1")
    await live.put(f"/v1/session/destroy/{one}")
    assert (await live.get("/v1/kv/k")).status == 404
    assert (await live.put(f"/v1/kv/k?acquire={two}", b"1")).json is False


async def test_renewing_shows_the_session_and_404_when_there_is_none(live: Live) -> None:
    session = await created(live, {"TTL": "10s", "Name": "me"})
    answer = await live.put(f"/v1/session/renew/{session}")
    assert (answer.at("0.ID"), answer.at("0.TTL"), answer.at("0.Name")) == (session, "10s", "me")
    gone = await live.put(f"/v1/session/renew/{NOBODY}")
    assert (gone.status, gone.text) == (404, f"Session id '{NOBODY}' not found")


async def test_refusals_have_the_statuses_and_words_of_consul(live: Live) -> None:
    flaw = "failed session lookup: index error: UUID must be 36 characters"
    for method, path, body, status, text in (
        ("GET", "info/", None, 400, "Missing session"),
        ("GET", "info/x", None, 500, flaw),
        ("GET", "node/", None, 400, "Missing node name"),
        ("PUT", "renew/", None, 400, "Missing session"),
        ("PUT", "renew/x", None, 500, flaw),
        ("PUT", "destroy/", None, 400, "Missing session"),
        ("PUT", "destroy/x", None, 500, flaw),
        ("PUT", "create", {"Behavior": "x"}, 500, "Invalid Behavior setting 'x'"),
        ("PUT", "create", {"Node": "nobody"}, 500, "Missing node registration"),
        ("PUT", "create", {"Node": ""}, 500, "Must provide Node"),
        ("PUT", "create", {"Checks": ["x"]}, 500, "Missing check 'x' registration"),
        ("PUT", "create", {"LockDelay": "x"}, 400, 'Request decode failed: time: invalid duration "x"'),
        ("PUT", "create?dc=dc2", None, 500, "No path to datacenter"),
    ):
        answer = await live.ask(method, f"/v1/session/{path}", body)
        assert (answer.status, answer.text) == (status, text), path


async def test_locks_without_a_session_are_refused(live: Live) -> None:
    for query, text in (
        ("acquire=", "missing session"),
        ("release=", "missing session"),
        ("acquire=x", "failed session lookup: index error: UUID must be 36 characters"),
        (f"acquire={NOBODY}", f'invalid session "{NOBODY}"'),
    ):
        answer = await live.put(f"/v1/kv/k?{query}", b"")
        assert (answer.status, answer.text) == (500, text)
    assert (await live.put(f"/v1/kv/k?release={NOBODY}", b"")).json is False
