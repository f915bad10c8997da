"""`/v1/config*`; all refusals and forms are in tests/compat (config_entries, config_routing, gateways)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from lictor_agent.http import bodies, config_entries
from lictor_server.endpoints import writes
from tests.agent.http.live import Live

RESOLVER = {"Kind": "service-resolver", "Name": "web", "ConnectTimeout": "1500ms"}


async def test_an_entry_is_written_read_and_deleted(live: Live) -> None:
    assert (await live.put("/v1/config", RESOLVER)).json is True
    shown = {"Kind": "service-resolver", "Name": "web", "ConnectTimeout": "1.5s"}
    one = await live.get("/v1/config/service-resolver/WEB")
    assert one.json == {**shown, "CreateIndex": one.index, "ModifyIndex": one.index}
    assert (await live.get("/v1/config/service-resolver")).json == [one.json]
    assert (await live.ask("DELETE", "/v1/config/service-resolver/web")).json == {}
    assert (await live.get("/v1/config/service-resolver/web")).status == 404


async def test_a_deletion_by_an_old_index_deletes_nothing(live: Live) -> None:
    await live.put("/v1/config", RESOLVER)
    index = (await live.get("/v1/config/service-resolver/web")).index
    assert (await live.ask("DELETE", f"/v1/config/service-resolver/web?cas={index + 1}")).json is False
    assert (await live.ask("DELETE", f"/v1/config/service-resolver/web?cas={index}")).json is True


async def test_a_refusal_names_every_flaw_with_its_place(live: Live) -> None:
    body = {"Kind": "service-splitter", "Name": "web", "Splits": [{"Weight": "x"}, {"Wait": 5}]}
    form = await live.put("/v1/config", body)
    assert form.status == 400
    assert "Splits[0].Weight" in form.text
    assert "Splits[1].Wait: invalid config key; did you mean Weight?" in form.text
    rules = await live.put("/v1/config", {**body, "Splits": [{"Weight": 101}, {"Weight": 1}]})
    assert rules.status == 500
    assert "Splits[0].Weight: is 101" in rules.text
    assert "sum to 102" in rules.text


async def test_a_null_in_a_configuration_is_kept(live: Live) -> None:
    """It stops every server of Consul 1.8.7."""
    config = {"list": [1, None], "none": None}
    assert (await live.put("/v1/config", {"Kind": "proxy-defaults", "Name": "global", "Config": config})).json is True
    found = await live.get("/v1/config/proxy-defaults/global")
    assert found.at("Config") == config


async def test_who_waits_for_one_entry_sleeps_through_others(live: Live) -> None:
    await live.put("/v1/config", RESOLVER)
    index = (await live.get("/v1/config/service-resolver/web")).index
    waiting = asyncio.ensure_future(live.get(f"/v1/config/service-resolver/web?index={index}&wait=20s"))
    await live.put("/v1/config", {**RESOLVER, "Name": "db"})
    assert (await live.get("/v1/config/service-resolver/web")).index == index
    await live.put("/v1/config", {**RESOLVER, "ConnectTimeout": "2s"})
    answer = await waiting
    assert answer.at("ConnectTimeout") == "2s"


async def test_intentions_are_entries_of_their_destinations(live: Live) -> None:
    body = {"Kind": "service-intentions", "Name": "db", "Sources": [{"Name": "web", "Action": "allow"}]}
    assert (await live.put("/v1/config", body)).json is True
    check = await live.get("/v1/connect/intentions/check?source=web&destination=db")
    assert check.json == {"Allowed": True}
    permission = {"Action": "allow", "HTTP": {"PathPrefix": "/"}}
    body = {**body, "Sources": [{"Name": "web", "Permissions": [permission]}]}
    assert (await live.put("/v1/config", body)).json is True
    check = await live.get("/v1/connect/intentions/check?source=web&destination=db")
    assert check.json == {"Allowed": False}
    rows = await live.get("/v1/connect/intentions")
    assert (rows.at("0.Action"), rows.at("0.Permissions")) == ("deny", [permission])


async def test_a_large_entry_is_read_and_judged_beside_the_loop(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    beside: list[str] = []

    def recording(room: str) -> Callable[[Callable[[], object]], Awaitable[object]]:
        async def aside(job: Callable[[], object]) -> object:
            beside.append(room)
            return job()

        return aside

    for room in (bodies, config_entries, writes):
        monkeypatch.setattr(room, "aside", recording(room.__name__.rpartition(".")[2]))
    for keys, found in ((10, []), (8_000, ["bodies", "config_entries", "config_entries", "writes"])):
        config = {f"key{number}": number for number in range(keys)}
        body = {"Kind": "proxy-defaults", "Name": "global", "Config": config}
        assert (await live.put("/v1/config", body)).status == 200
        assert beside == found
    shown = await live.get("/v1/config/proxy-defaults/global")
    assert shown.at("Config.key7999") == 7999
