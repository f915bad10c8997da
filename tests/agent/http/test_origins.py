"""What pages of other sites may have a browser ask."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lictor_agent.http.origins import Origins
from lictor_agent.http.settings import HttpSettings
from tests.agent.http.live import Live, live_agent

HOST = {"Host": "consul.example.com:8500"}
FOREIGN = {**HOST, "Origin": "https://evil.example"}


def refused(method: str, headers: Mapping[str, str], origins: Origins | None = None, client: str = "192.0.2.1") -> bool:
    return (origins or Origins()).refusal(method, headers, client) is not None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://consul.example.com", "https://x:8500"])
def test_a_page_of_another_site_changes_nothing(method: str, origin: str) -> None:
    assert refused(method, {**HOST, "Origin": origin})


@pytest.mark.parametrize(
    "headers",
    [
        HOST,
        {**HOST, "Origin": "http://consul.example.com:8500"},
        {**HOST, "Origin": "HTTP://CONSUL.EXAMPLE.COM:8500"},
        {"Host": "consul.example.com", "Origin": "https://consul.example.com"},
        {"Host": "consul.example.com:443", "Origin": "https://consul.example.com"},
        {"Host": "127.0.0.1:8500", "X-Forwarded-Host": "consul.example.com", "Origin": "https://consul.example.com"},
        {"Host": "[::1]:8500", "Origin": "http://[::1]:8500"},
        {**FOREIGN, "X-Consul-Token": ""},
        {**FOREIGN, "Authorization": "Bearer x"},
    ],
)
def test_who_is_no_page_or_of_this_site_or_sends_what_no_page_can_is_served(headers: Mapping[str, str]) -> None:
    assert not refused("POST", headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_left_to_the_browser(method: str) -> None:
    assert not refused(method, FOREIGN)


@pytest.mark.parametrize(
    "origins",
    [
        Origins(allowed=("https://evil.example",)),
        Origins(allowed=("https://Evil.example/",)),
        Origins(allowed=("*",)),
        Origins(takes_writes=True),
    ],
)
def test_sites_that_are_allowed_may(origins: Origins) -> None:
    assert not refused("POST", FOREIGN, origins)


@pytest.mark.parametrize(
    ("host", "is_refused"),
    [
        ("consul.example.com", False),
        ("CONSUL.example.com.:8500", False),
        ("localhost:8500", False),
        ("127.0.0.1:8500", False),
        ("[::1]:8500", False),
        ("evil.example:8500", True),
        ("evil.example", True),
        ("127.0.0.1.evil.example", True),
    ],
)
def test_an_agent_with_names_is_asked_by_no_other(host: str, is_refused: bool) -> None:
    origins = Origins(hosts=("consul.example.com",))
    assert refused("GET", {"Host": host}, origins) == is_refused
    assert not refused("GET", {"Host": host}), "without names it may be asked by any"
    assert not refused("GET", {"Host": host}, origins, client=""), "nobody is led to a Unix socket"


INTENTION = {"SourceName": "a", "DestinationName": "b", "Action": "allow"}


async def ask(live: Live, headers: Mapping[str, str]) -> int:
    return (await live.ask("POST", "/v1/connect/intentions", INTENTION, headers)).status


async def test_a_page_of_another_site_is_refused_before_anything_is_done() -> None:
    async with live_agent() as live:
        assert await ask(live, {"Origin": "https://evil.example", "Content-Type": "text/plain"}) == 403
        assert (await live.get("/v1/connect/intentions")).json == []
        assert "another site" in live.events("http.request.refused")[0]["reason"]
        assert await ask(live, {"Origin": f"http://127.0.0.1:{live.port}"}) == 200


async def test_the_site_that_response_headers_allow_may_write() -> None:
    headers = (("access-control-allow-origin", "https://ui.example"),)
    async with live_agent(HttpSettings(response_headers=headers)) as live:
        assert await ask(live, {"Origin": "https://ui.example"}) == 200
        assert await ask(live, {"Origin": "https://evil.example"}) == 403


async def test_a_name_that_was_made_to_lead_here_gets_nothing_not_even_a_hot_answer() -> None:
    async with live_agent(HttpSettings(allowed_hosts=("consul.example.com",))) as live:
        for _ in range(3):
            assert (await live.get("/v1/status/leader")).status == 200
        rebound = {"Host": "evil.example:8500"}
        assert [(await live.ask("GET", "/v1/status/leader", headers=rebound)).status for _ in range(3)] == [403] * 3
