"""`/v1/discovery-chain`; chains of all shapes are in tests/compat (discovery_chain)."""

from __future__ import annotations

from tests.agent.http.live import Live

PATH = "/v1/discovery-chain/web"


async def test_a_chain_is_another_with_the_asker_s_own_settings(live: Live) -> None:
    plain = await live.get(PATH)
    asked = await live.ask("POST", PATH, {"override_connect_timeout": "7s"})
    assert (plain.status, asked.status) == (200, 200)
    assert "CustomizationHash" in asked.text
    assert "CustomizationHash" not in plain.text
    assert '"ConnectTimeout":"7s"' in asked.text.replace(" ", "")
    again = await live.ask("POST", PATH, {})
    assert again.json == plain.json


async def test_entries_that_make_no_chain_are_an_error_with_the_reason(live: Live) -> None:
    body = {"Kind": "service-resolver", "Name": "web", "Redirect": {"Service": "db"}}
    assert (await live.put("/v1/config", body)).json is True
    assert '"Datacenter":"dc7"' in (await live.get(f"{PATH}?compile-dc=dc7")).text.replace(" ", "")
    assert (await live.get("/v1/discovery-chain/")).status == 400
