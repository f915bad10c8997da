"""`/v1/internal/intentions/explain`."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from lictor_core.records import JsonObject
from tests.agent.http.live import Live, Reply

PATH = "/v1/internal/intentions/explain"
ENTRY: JsonObject = {
    "Kind": "service-intentions",
    "Name": "api",
    "Sources": [
        {
            "Name": "web",
            "Permissions": [
                {"Action": "deny", "HTTP": {"PathPrefix": "/admin"}},
                {
                    "Action": "allow",
                    "HTTP": {"Methods": ["GET"], "Header": [{"Name": "x-team", "Exact": "red"}]},
                    "JWT": {"Providers": [{"Name": "okta", "VerifyClaims": [{"Path": ["role"], "Value": "admin"}]}]},
                },
            ],
        },
        {"Name": "*", "Action": "deny"},
    ],
}
OKTA: JsonObject = {
    "Kind": "jwt-provider",
    "Name": "okta",
    "JSONWebKeySet": {"Local": {"Filename": "/etc/okta.jwks"}},
}


async def explained(live: Live, *parameters: tuple[str, str]) -> Reply:
    return await live.get(f"{PATH}?{urlencode([('source', 'web'), ('destination', 'api'), *parameters])}")


async def test_a_request_is_explained_rule_by_rule(live: Live) -> None:
    assert (await live.put("/v1/config", OKTA)).json is True
    written = await live.put("/v1/config", ENTRY)
    assert written.json is True, written.text
    connection = await explained(live)
    assert (connection.at("Verdict"), connection.at("Allowed")) == ("depends", False)
    index = (await live.get("/v1/connect/intentions/match?by=destination&name=api")).index
    assert (connection.at("PolicyIndex"), connection.index) == (index, index)
    trust_domain = (await live.get("/v1/connect/ca/roots")).at("TrustDomain")
    assert connection.at("Certificate") == f"spiffe://{trust_domain}/ns/default/dc/dc1/svc/web"

    red = ("header", "x-team:red")
    admin = ("jwt", 'okta={"role": "admin"}')
    assert (await explained(live, ("path", "/x"), red, admin)).at("Rule") == "web->api#2"
    sneaky = await explained(live, ("path", "/x/../%61dmin?y"), red, admin)
    assert (sneaky.at("Verdict"), sneaky.at("Rule")) == ("deny", "web->api#1")
    for parameters in ((red,), (red, ("jwt", "okta")), (red, ("jwt", 'okta={"role": "user"}'))):
        assert (await explained(live, *parameters)).at("Demanded") == ["okta"], parameters
    put = await explained(live, ("method", "put"), red, admin)
    assert (put.at("DefaultApplied"), put.at("Default"), put.at("Request")) == (True, "allow", "PUT /")


async def test_rules_about_requests_that_nobody_sees_are_noted(live: Live) -> None:
    await live.put("/v1/config", OKTA)
    await live.put("/v1/config", ENTRY)
    assert "api speaks tcp" in (await explained(live)).text_at("Note")
    for entry in (
        {"Kind": "proxy-defaults", "Name": "global", "Config": {"protocol": "grpc"}},
        {"Kind": "service-defaults", "Name": "api", "Protocol": "http2"},
    ):
        assert (await live.put("/v1/config", entry)).json is True
        assert "this agent has no enable_central_service_config" in (await explained(live)).text_at("Note")
    await live.put("/v1/config", {"Kind": "service-defaults", "Name": "api", "Protocol": "tcp"})
    assert "api speaks tcp" in (await explained(live)).text_at("Note")


async def test_what_no_rule_speaks_of_is_explained(live: Live) -> None:
    found = await explained(live)
    assert (found.at("Verdict"), found.at("DefaultApplied"), found.at("Rules")) == ("allow", True, [])
    assert found.at("Reason") == "no intention matches web -> api; the default policy is allow"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("destination=api", "name the source"),
        ("source=web&destination=*", "name the destination"),
        ("source=a&destination=b&path=x", "must begin with"),
        ("source=a&destination=b&header=x", "must be name:value"),
        ("source=a&destination=b&jwt=okta={", "no JSON"),
        ("source=a&destination=b&jwt=okta=1", "must be provider"),
        ("source=a&destination=b&jwt=={}", "must be provider"),
        ("source=a&destination=b" + "&header=a:b" * 101, "at most 100"),
    ],
)
async def test_what_cannot_be_explained_is_refused(live: Live, query: str, words: str) -> None:
    answer = await live.get(f"{PATH}?{query}")
    assert answer.status == 400
    assert words in answer.text
