"""Auth methods, binding rules, logins. Held to Consul by `tests/compat/scenarios/http/acl_methods.py`."""

from __future__ import annotations

from tests.agent.http.acl_live import guarded
from tests.compat.scenarios.http.acl_methods import BEARER, KEY

_JWT = {
    "Name": "corp",
    "Type": "jwt",
    "Config": {
        "JWTValidationPubKeys": [KEY],
        "JWTSupportedAlgs": ["ES256"],
        "BoundIssuer": "corp",
        "BoundAudiences": ["lictor-tests"],
        "ClaimMappings": {"who": "who"},
    },
}


async def test_who_is_vouched_for_gets_what_the_rules_bind_until_the_logout() -> None:
    async with guarded() as acl:
        await acl.made("auth-method", _JWT)
        await acl.made("binding-rule", {"AuthMethod": "corp", "BindType": "service", "BindName": "${value.who}"})
        login = await acl.ask("POST", "login", {"AuthMethod": "corp", "BearerToken": BEARER}, token="")
        assert (login.status, login.at("ServiceIdentities")) == (200, [{"ServiceName": "web"}])
        secret = login.text_at("SecretID")
        assert (await acl.ask("GET", "token/self", token=secret)).status == 200
        assert (await acl.ask("POST", "logout", token=secret)).json is True
        assert (await acl.ask("GET", "token/self", token=secret)).status == 403


async def test_an_auth_method_is_listed_without_its_settings() -> None:
    async with guarded() as acl:
        await acl.made("auth-method", _JWT)
        assert "Config" not in (await acl.ask("GET", "auth-methods")).text
        assert (await acl.ask("GET", "auth-method/corp")).at("Config.BoundIssuer") == "corp"
        assert (await acl.ask("GET", "auth-method/nope")).status == 404


async def test_binding_rules_go_with_their_auth_method() -> None:
    async with guarded() as acl:
        await acl.made("auth-method", _JWT)
        rule = await acl.made("binding-rule", {"AuthMethod": "corp", "BindType": "service", "BindName": "x"})
        assert (await acl.ask("GET", f"binding-rule/{rule.text_at('ID')}")).status == 200
        assert (await acl.ask("DELETE", "auth-method/corp")).json is True
        assert (await acl.ask("GET", f"binding-rule/{rule.text_at('ID')}")).status == 404
