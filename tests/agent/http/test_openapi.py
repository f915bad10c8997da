"""The agent hands out the document of its own routes."""

from __future__ import annotations

from tests.agent.http.live import Live
from tests.support.contract import document
from tests.support.recorder.json_types import as_object


async def test_the_document_is_that_of_the_routes(live: Live) -> None:
    answer = await live.get("/v1/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    told = as_object(answer.json)
    assert told["paths"] == document()["paths"]
    assert told["components"] == document()["components"]


async def test_the_document_names_the_version_of_the_agent(live: Live) -> None:
    answer = await live.get("/v1/openapi.json")
    assert answer.at("info.version") == live.agent.identity.lictor_version
