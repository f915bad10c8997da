"""`/v1/operator/keyring`. It is held to Consul by `tests/compat/scenarios/http/{acl_off,keyring}.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lictor_agent import keyring_changes
from lictor_agent.keyring import Keyring
from lictor_core.keyring import Ring, key_text
from tests.agent.http.live import NODE, Live, live_agent
from tests.support.conditions import eventually

A, B = b"a" * 32, b"b" * 16
PATH = "/v1/operator/keyring"


@pytest.fixture
async def keyed() -> AsyncIterator[Live]:
    """An agent that knows the key A."""
    async with live_agent(keyring=Keyring(Ring((A,)))) as live:
        tellings = live.registry._keyrings.own  # pyright: ignore[reportPrivateUsage]
        await eventually(lambda: bool(tellings()), what="the agent tells of its key")
        yield live


def pool(*keys: bytes, primary: bytes, wan: bool) -> dict[str, object]:
    return {
        "WAN": wan,
        "Datacenter": "dc1",
        "Segment": "",
        "Keys": {key_text(key): 1 for key in keys},
        "PrimaryKeys": {key_text(primary): 1},
        "NumNodes": 1,
    }


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_without_keys_the_answer_says_what_gives_one_and_what_protects(live: Live, method: str) -> None:
    answer = await live.ask(method, PATH, None if method == "GET" else {"Key": "eA=="})
    assert (answer.status, "encryption not enabled" in answer.text) == (500, True)
    assert "TLS" in answer.text
    assert "`encrypt`" in answer.text


@pytest.mark.parametrize("query", ["relay-factor=6", "relay-factor=-1", "relay-factor=x", "local-only=x"])
async def test_parameters_are_judged_all_the_same(live: Live, query: str) -> None:
    answer = await live.get(f"{PATH}?{query}")
    assert (answer.status, query.partition("=")[0] in answer.text.replace(" ", "-")) == (400, True)


async def test_the_keys_of_all_members_are_counted(keyed: Live) -> None:
    assert (await keyed.get(PATH)).json == [pool(A, primary=A, wan=True), pool(A, primary=A, wan=False)]
    assert (await keyed.get(f"{PATH}?local-only=true")).json == [pool(A, primary=A, wan=False)]


async def test_a_key_is_installed_used_and_the_former_one_removed(keyed: Live) -> None:
    other = {"Key": key_text(B)}
    assert (await keyed.ask("POST", PATH, other)).status == 200
    assert (await keyed.get(f"{PATH}?local-only=1")).json == [pool(A, B, primary=A, wan=False)]
    assert (await keyed.ask("PUT", PATH, other)).status == 200
    assert (await keyed.get(f"{PATH}?local-only=1")).json == [pool(B, A, primary=B, wan=False)]
    removed = await keyed.ask("DELETE", PATH, {"Key": key_text(A)})
    assert (removed.status, removed.body) == (200, b"")
    assert (await keyed.get(f"{PATH}?local-only=1")).json == [pool(B, primary=B, wan=False)]


@pytest.mark.parametrize(
    ("method", "key", "reason"),
    [
        ("DELETE", key_text(A), "Removing the primary key is not allowed"),
        ("PUT", key_text(B), "Requested key is not in the keyring"),
        ("POST", "eA==", "key size must be 16, 24 or 32 bytes"),
        ("POST", "!!", "base64"),
        ("POST", "", "key size must be 16, 24 or 32 bytes"),
    ],
)
async def test_what_cannot_be_is_refused_as_by_consul(keyed: Live, method: str, key: str, reason: str) -> None:
    answer = await keyed.ask(method, PATH, {"Key": key})
    assert (answer.status, reason in answer.text) == (500, True)
    assert (await keyed.get(f"{PATH}?local-only=1")).json == [pool(A, primary=A, wan=False)]


async def test_a_member_that_does_not_take_a_change_over_is_named(keyed: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_changes, "TAKEN_S_MAX", 0.05)
    monkeypatch.setattr(keyed.agent.keyring, "replace", lambda ring: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    keyed.registry._keyrings._told.clear()  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(keyed.registry, "tell_keys", _deaf)
    answer = await keyed.ask("POST", PATH, {"Key": key_text(B)})
    assert (answer.status, f"{NODE}: " in answer.text) == (500, True)
    shown = (await keyed.get(f"{PATH}?local-only=1")).json
    assert shown == [
        {
            "WAN": False,
            "Datacenter": "dc1",
            "Segment": "",
            "Messages": {NODE: "it has told of no key: it has none, or has just come"},
            "Keys": {},
            "PrimaryKeys": {},
            "NumNodes": 1,
        }
    ]


async def test_the_agent_says_that_it_has_keys(keyed: Live, live: Live) -> None:
    for one, word in ((keyed, "true"), (live, "false")):
        stats = await one.get("/v1/agent/self")
        assert stats.at("Stats.serf_lan.encrypted") == word


async def _deaf(_: object) -> None:
    """Hears nothing."""
