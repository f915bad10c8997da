"""`/v1/txn`: all or nothing, reads as reads, and what does not fit is refused."""

from __future__ import annotations

import asyncio
import base64

import pytest

from lictor_agent.http import transactions
from lictor_agent.http.settings import HttpSettings
from tests.agent.http.live import Live, Reply, live_agent
from tests.support.recorder.json_types import Json


def key(verb: str, name: str, value: bytes = b"", **more: Json) -> Json:
    return {"KV": {"Verb": verb, "Key": name, "Value": base64.b64encode(value).decode(), **more}}


async def run(live: Live, *operations: Json) -> Reply:
    return await live.put("/v1/txn", list(operations))


async def test_all_operations_are_done_at_one_index(live: Live) -> None:
    node: Json = {"Node": {"Verb": "set", "Node": {"Node": "outside", "Address": "192.0.2.7"}}}
    done = await run(live, key("set", "a", b"1"), key("set", "b", b"2"), node)
    assert done.status == 200, done.text
    indexes = {str(done.at(f"Results.{place}.ModifyIndex")) for place in ("0.KV", "1.KV", "2.Node")}
    assert len(indexes) == 1
    assert "X-Consul-Index" not in done.headers
    assert (await live.get("/v1/kv/b?raw")).body == b"2"
    assert (await live.get("/v1/catalog/node/outside")).at("Node.Address") == "192.0.2.7"


async def test_one_that_cannot_be_leaves_nothing_and_wakes_nobody(live: Live) -> None:
    await live.put("/v1/kv/a", b"0")
    before = await live.get("/v1/kv/a")
    waiting = asyncio.ensure_future(live.get(f"/v1/kv/a?index={before.index}&wait=30s"))
    failed = await run(live, key("set", "a", b"1"), key("get", "none"), key("cas", "a", b"2", Index=1))
    assert failed.status == 409
    assert failed.at("Results") is None
    assert [failed.at(f"Errors.{place}.OpIndex") for place in (0, 1)] == [1, 2]
    assert "'none'" in failed.text_at("Errors.0.What")
    assert (await live.get("/v1/kv/a?raw")).body == b"0"
    done = await run(live, key("set", "a", b"3"))
    assert done.status == 200
    async with asyncio.timeout(10):
        woken = await waiting
    assert woken.at("0.ModifyIndex") == done.at("Results.0.KV.ModifyIndex"), "the one that failed woke nobody"


async def test_what_only_reads_says_how_fresh_it_is_and_writes_nothing(live: Live) -> None:
    await live.put("/v1/kv/a", b"1")
    index = (await live.get("/v1/agent/self")).at("Stats.raft.last_log_index")
    read = await live.put("/v1/txn?stale", [key("get", "a"), key("check-not-exists", "b")])
    assert read.status == 200
    assert (read.at("KnownLeader"), read.at("LastContact"), read.at("Results.0.KV.Value")) == (True, 0, "MQ==")
    assert read.headers["X-Consul-Knownleader"] == "true"
    assert (await live.get("/v1/agent/self")).at("Stats.raft.last_log_index") == index


async def test_a_list_of_null_is_refused_where_consul_dies(live: Live) -> None:
    refused = await live.put("/v1/txn", b"[null]")
    assert (refused.status, refused.text) == (400, "Failed to parse body: json: operation 0 must be an object")


async def test_a_transaction_that_is_too_long_is_refused_with_its_bound() -> None:
    async with live_agent(HttpSettings(txn_bytes_max=200, kv_value_bytes_max=100)) as live:
        assert (await run(live, key("set", "a", b"v" * 60))).status == 200
        whole = await run(live, key("set", "a", b"v" * 150))
        assert (whole.status, "at most 200 bytes" in whole.text) == (413, True)
    async with live_agent(HttpSettings(txn_bytes_max=1000, kv_value_bytes_max=100)) as live:
        value = await run(live, key("set", "a", b"v" * 101))
        assert (value.status, value.text) == (413, "the value of key 'a' has 101 bytes: at most 100 are taken")


async def test_services_without_tags_show_null(live: Live) -> None:
    node: Json = {"Node": {"Verb": "set", "Node": {"Node": "n"}}}
    service: Json = {"Service": {"Verb": "set", "Node": "n", "Service": {"Service": "web"}}}
    check: Json = {"Check": {"Verb": "set", "Check": {"Node": "n", "CheckID": "c", "ServiceID": "web"}}}
    done = await run(live, node, service, check)
    assert (done.at("Results.1.Service.Tags"), done.at("Results.2.Check.ServiceTags")) == (None, None)


@pytest.mark.parametrize("form", ["", "?pretty"])
async def test_many_results_are_shown_beside_the_loop_as_few_are(
    live: Live, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("t/a", "t/b", "t/<c>"):
        await live.put(f"/v1/kv/{name}", b"1")
    operations: list[Json] = [key("get-tree", "t/")]
    few = await live.put(f"/v1/txn{form}", operations)
    monkeypatch.setattr(transactions, "ASIDE_ROWS_MIN", 3)
    many = await live.put(f"/v1/txn{form}", operations)
    assert (many.status, many.text) == (200, few.text)
    assert set(many.headers) == set(few.headers)
