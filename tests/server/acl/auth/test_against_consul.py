"""The real Consul and Lictor ask one API server the same, and come to the same service for the same JWTs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import aiohttp
import pytest

from lictor_core.records import JsonObject
from tests.server.acl.auth.issuers import Issuer, api_server, forged
from tests.support.agents import DevAgent, Product, dev_agent

pytestmark = [pytest.mark.slow, pytest.mark.needs("consul"), pytest.mark.timeout(180)]

ROOT: Final = "11111111-2222-4333-8444-555555555555"
CONFIG: Final[JsonObject] = {
    "acl": {"enabled": True, "default_policy": "deny", "tokens": {"master": ROOT, "agent": ROOT}}
}
BEARER: Final = Issuer().token({"sub": "a service account"})
ISSUER: Final = Issuer()
PRODUCTS: Final[tuple[Product, Product]] = ("consul", "lictor")


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Product, DevAgent]]:
    with (
        dev_agent("consul", tmp_path_factory.mktemp("consul"), CONFIG) as consul,
        dev_agent("lictor", tmp_path_factory.mktemp("lictor"), CONFIG) as lictor,
    ):
        yield {"consul": consul, "lictor": lictor}


async def ask(agent: DevAgent, method: str, path: str, body: JsonObject, token: str = ROOT) -> tuple[int, JsonObject]:
    headers = {"X-Consul-Token": token} if token else {}
    url = f"http://{agent.http_address}/v1/acl/{path}"
    async with aiohttp.ClientSession(headers=headers) as session, session.request(method, url, json=body) as answer:
        text = await answer.text()
        return answer.status, cast("JsonObject", json.loads(text)) if answer.status == 200 else {"said": text}


async def services(agent: DevAgent, method: str, bearer: str) -> object:
    """For which services a login is; None where it is refused."""
    status, token = await ask(agent, "POST", "login", {"AuthMethod": method, "BearerToken": bearer}, token="")
    return token["ServiceIdentities"] if status == 200 else None


async def made(agent: DevAgent, method: JsonObject, rule: JsonObject) -> None:
    for path, body in (("auth-method", method), ("binding-rule", {"AuthMethod": method["Name"], **rule})):
        status, said = await ask(agent, "PUT", path, body)
        assert status == 200, said


async def test_both_ask_kubernetes_the_same(agents: dict[Product, DevAgent], tmp_path: Path) -> None:
    own = Issuer().token({"sub": "own"})
    async with api_server(tmp_path) as kubernetes:
        kubernetes.accounts[BEARER] = ("default", "web", "uid-1")
        method: JsonObject = {
            "Name": "k", "Type": "kubernetes", "Config": {**kubernetes.config, "ServiceAccountJWT": own}
        }  # fmt: skip
        rule: JsonObject = {
            "BindType": "service",
            "BindName": "${serviceaccount.namespace}-${serviceaccount.name}",
            "Selector": "serviceaccount.namespace == default and serviceaccount.uid != other",
        }
        seen: list[object] = []
        for product in PRODUCTS:
            agent = agents[product]
            kubernetes.annotations.clear()
            kubernetes.asked.clear()
            await made(agent, method, rule)
            plain = await services(agent, "k", BEARER)
            kubernetes.annotations["web"] = "front"
            annotated = await services(agent, "k", BEARER)
            unknown = await services(agent, "k", own)
            seen.append((plain, annotated, unknown, list(kubernetes.asked)))
    assert seen[0] == seen[1]
    assert seen[1] == (
        [{"ServiceName": "default-web"}],
        [{"ServiceName": "default-front"}],
        None,
        [(path, f"Bearer {own}") for path, _ in kubernetes.asked],
    )


def jwts() -> dict[str, str]:
    """Tokens by what is odd about them."""
    now = int(time.time())  # noqa: TID251 the real Consul judges by the machine's clock
    claims: JsonObject = {
        "iss": "corp",
        "aud": "us",
        "sub": "x",
        "who": "web",
        "iat": now,
        "exp": now + 600,
        "groups": ["ops"],
    }
    odd: dict[str, JsonObject] = {
        "nothing": {},
        "late within the skew": {"iat": now - 900, "exp": now - 20},
        "late": {"iat": now - 900, "exp": now - 300},
        "early": {"nbf": now + 300},
        "from the future": {"iat": now + 300},
        "another issuer": {"iss": "x"},
        "another audience": {"aud": ["x"]},
        "one of many audiences": {"aud": ["x", "us"]},
        "not chosen": {"groups": []},
        "one group": {"groups": "ops"},
        "a subject that is a number": {"sub": 5},
        "a claim that is a number": {"who": 5},
        "a claim that is a truth": {"who": True},
        "a claim that is a whole number with a point": {"who": 5.0},
        "a claim that is a mapping": {"who": {"a": "b"}},
    }
    found = {name: ISSUER.token({**claims, **changes}) for name, changes in odd.items()}
    for name in ("iat", "exp", "aud", "sub", "who", "groups"):
        found[f"no {name}"] = ISSUER.token({key: value for key, value in claims.items() if key != name})
    found["no time"] = ISSUER.token({key: value for key, value in claims.items() if key not in ("iat", "exp")})
    found["another key"] = Issuer().token(claims)
    found["a key for a secret"] = forged(claims, {"alg": "HS256"}, ISSUER.pem.encode())
    found["not signed"] = forged(claims, {"alg": "none"})
    found["another digest"] = ISSUER.token(claims, algorithm="RS512")
    found["no token"] = "x"
    return found


async def test_both_believe_the_same_jwts(agents: dict[Product, DevAgent]) -> None:
    config: JsonObject = {
        "JWTValidationPubKeys": [ISSUER.pem],
        "BoundIssuer": "corp",
        "BoundAudiences": ["us"],
        "ClaimMappings": {"who": "name"},
        "ListClaimMappings": {"groups": "groups"},
    }
    rule: JsonObject = {"BindType": "service", "BindName": "s${value.name}", "Selector": "ops in list.groups"}
    for agent in agents.values():
        await made(agent, {"Name": "j", "Type": "jwt", "Config": config}, rule)
    shown = jwts()
    verdicts: dict[Product, dict[str, object]] = {}
    for product in PRODUCTS:
        given = await asyncio.gather(*(services(agents[product], "j", one) for one in shown.values()))
        verdicts[product] = dict(zip(shown, given, strict=True))
    assert verdicts["lictor"] == verdicts["consul"]
    assert {name for name, given in verdicts["lictor"].items() if given is not None} == {
        "nothing", "late within the skew", "one of many audiences", "one group", "a claim that is a number",
        "a claim that is a truth", "a claim that is a whole number with a point",
        "no exp", "no sub", "no who", "another digest",
    }  # fmt: skip
