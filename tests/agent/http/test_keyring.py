"""`/v1/operator/keyring`, where there are no keys. It is held to Consul by `tests/compat/scenarios/http/acl_off.py`."""

from __future__ import annotations

import pytest

from tests.agent.http.live import Live


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_there_are_no_keys_and_the_answer_says_what_protects_instead(live: Live, method: str) -> None:
    answer = await live.ask(method, "/v1/operator/keyring", None if method == "GET" else {"Key": "eA=="})
    assert (answer.status, "encryption not enabled" in answer.text, "TLS" in answer.text) == (500, True, True)


@pytest.mark.parametrize("query", ["relay-factor=6", "relay-factor=-1", "relay-factor=x", "local-only=x"])
async def test_parameters_are_judged_all_the_same(live: Live, query: str) -> None:
    answer = await live.get(f"/v1/operator/keyring?{query}")
    assert (answer.status, query.partition("=")[0] in answer.text.replace(" ", "-")) == (400, True)
