"""`/v1/acl/auth-method*`, `/v1/acl/binding-rule*`, `/v1/acl/login`, `/v1/acl/logout`."""

from tests.compat.scenarios.http.acl import CONFIG, NEVER, step
from tests.support.recorder.json_types import Json
from tests.support.recorder.scenario import Scenario, Step

_ALL = ("body",)
KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEATcYb843o3h02YlGtuMXnh7vSg9N
F0JPxJ1FyN0qpUpimov2QiYPDTd8xZtAe4pahcBeClUKH9QC98Kw3Qmc+A==
-----END PUBLIC KEY-----
"""
"""Its private half signed the tokens below, and was thrown away."""
_HEAD = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCJ9."
BEARER = (
    f"{_HEAD}eyJpc3MiOiAiY29ycCIsICJhdWQiOiAibGljdG9yLXRlc3RzIiwgInN1YiI6ICJzb21lb25lIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJu"
    "YmYiOiAxNTc3ODM2ODAwLCAiaWF0IjogMTU3NzgzNjgwMCwgIndobyI6ICJ3ZWIiLCAiZ3JvdXBzIjogWyJvcHMiLCAiZGV2Il0sICJsZXZlbCI6"
    "IDN9.ueYW4bDRKGdtyzz086IuNgk58xrecxyG2nsIIqDKoOwBW6W1TLSKKjAyJGLZhyE29RXrYofcsk14JQTYOeDTlw"
)
"""Of issuer corp for lictor-tests: who is web, groups are ops and dev, level is 3."""
_ENDED = (
    f"{_HEAD}eyJpc3MiOiAiY29ycCIsICJhdWQiOiAibGljdG9yLXRlc3RzIiwgInN1YiI6ICJzb21lb25lIiwgImV4cCI6IDE1Nzc4MzY4MDAsICJu"
    "YmYiOiAxNTc3ODMwMDAwLCAiaWF0IjogMTU3NzgzMDAwMCwgIndobyI6ICJ3ZWIiLCAiZ3JvdXBzIjogWyJvcHMiXX0._Dx3-ab9vxdKSkBsSpy"
    "Lbkd3voZbTObbgjDPTG60vh8NmbsW73GTBeAPbhNze6JW_QWPZrNDYQxBFhV7LEaBNA"
)
_ELSEWHERE = (
    f"{_HEAD}eyJpc3MiOiAiZWxzZXdoZXJlIiwgImF1ZCI6ICJsaWN0b3ItdGVzdHMiLCAic3ViIjogInNvbWVvbmUiLCAiZXhwIjogNDEwMjQ0NDgw"
    "MCwgIm5iZiI6IDE1Nzc4MzY4MDAsICJ3aG8iOiAid2ViIiwgImdyb3VwcyI6IFsib3BzIl19.tmZzA62_b9hVzIJEJ2g2TutZgiNf5GdQFOZxWcN"
    "DaioKnlJksA6TJwLErxNSuhGgEsZUYRKX9SeY-qsmGXJj0w"
)
_STRANGER = (
    f"{_HEAD}eyJpc3MiOiAiY29ycCIsICJhdWQiOiAibGljdG9yLXRlc3RzIiwgInN1YiI6ICJzb21lb25lIiwgImV4cCI6IDQxMDI0NDQ4MDAsICJu"
    "YmYiOiAxNTc3ODM2ODAwLCAid2hvIjogInN0cmFuZ2VyIiwgImdyb3VwcyI6IFtdfQ.cNOgVYd8mUJBlGcboVjrAL-2o25od0arIBPo-grNx8Xg0"
    "ZKNqqfmMSihezqeh11-R8spKq_lWq9bVMDDEFSWzg"
)
_CONFIG: dict[str, Json] = {
    "JWTValidationPubKeys": [KEY],
    "JWTSupportedAlgs": ["ES256"],
    "BoundIssuer": "corp",
    "BoundAudiences": ["lictor-tests"],
    "ClaimMappings": {"who": "who", "level": "level"},
    "ListClaimMappings": {"groups": "groups"},
}


def _method(name: str, **more: Json) -> dict[str, Json]:
    return {"Name": name, "Type": "jwt", "Config": _CONFIG, **more}


def _config(**more: Json) -> dict[str, Json]:
    return _method("bad", Config={**_CONFIG, **more})


def _rule(**more: Json) -> dict[str, Json]:
    return {"AuthMethod": "jwt", "BindType": "service", "BindName": "svc-${value.who}", **more}


def _login(bearer: str, method: str = "jwt") -> dict[str, Json]:
    return {"AuthMethod": method, "BearerToken": bearer}


_METHODS: tuple[Step, ...] = (
    step("no auth methods", "GET", "acl/auth-methods"),
    step(
        "an auth method", "PUT", "acl/auth-method", _method("jwt", Description="d", DisplayName="n", MaxTokenTTL="5m")
    ),
    step("one of the whole cluster", "PUT", "acl/auth-method", _method("global", TokenLocality="global")),
    step("one of its place", "PUT", "acl/auth-method", _method("local", TokenLocality="local")),
    step("one of a bad place", "PUT", "acl/auth-method", _method("bad", TokenLocality="here")),
    step("one whose tokens end too soon", "PUT", "acl/auth-method", _method("bad", MaxTokenTTL="1s")),
    step("one whose tokens end too late", "PUT", "acl/auth-method", _method("bad", MaxTokenTTL="48h")),
    step("one whose tokens end at no time", "PUT", "acl/auth-method", _method("bad", MaxTokenTTL="soon")),
    step("one with a taken name", "PUT", "acl/auth-method", _method("jwt")),
    step("one without a name", "PUT", "acl/auth-method", {"Type": "jwt", "Config": _CONFIG}),
    step("one with a bad name", "PUT", "acl/auth-method", _method("a b")),
    step("one without a type", "PUT", "acl/auth-method", {"Name": "bad", "Config": _CONFIG}),
    step("one of an unknown type", "PUT", "acl/auth-method", {"Name": "bad", "Type": "x"}),
    step("one without settings", "PUT", "acl/auth-method", {"Name": "bad", "Type": "jwt"}),
    step("one with an unknown setting", "PUT", "acl/auth-method", _config(Other=1)),
    step("one with two kinds of keys", "PUT", "acl/auth-method", _config(JWKSURL="http://127.0.0.1:1/")),
    step("one with a bad key", "PUT", "acl/auth-method", _config(JWTValidationPubKeys=["x"])),
    step("one with a bad algorithm", "PUT", "acl/auth-method", _config(JWTSupportedAlgs=["none"])),
    step("one with an unknown key", "PUT", "acl/auth-method", _method("bad", Other=1)),
    step("no auth method", "PUT", "acl/auth-method", b""),
    step("an auth method by name", "GET", "acl/auth-method/jwt"),
    step("an auth method that is not there", "GET", "acl/auth-method/nope"),
    step("an auth method without a name", "GET", "acl/auth-method/"),
    step("all auth methods", "GET", "acl/auth-methods"),
    step("another auth method", "PUT", "acl/auth-method/jwt", _method("jwt", Description="e")),
    step(
        "without the name in it", "PUT", "acl/auth-method/jwt", {"Type": "jwt", "Config": _CONFIG, "Description": "f"}
    ),
    step("with another name", "PUT", "acl/auth-method/jwt", _method("other")),
    step("with another type", "PUT", "acl/auth-method/jwt", _method("jwt", Type="kubernetes")),
    step("of none", "PUT", "acl/auth-method/nope", _method("nope")),
    step("kubernetes without a host", "PUT", "acl/auth-method", {"Name": "k", "Type": "kubernetes", "Config": {}}),
    step("who may not see auth methods", "GET", "acl/auth-methods", token=""),
    step("who may not see an auth method", "GET", "acl/auth-method/jwt", token=""),
    step("who may not write an auth method", "PUT", "acl/auth-method", _method("bad"), token=""),
    step("who may not delete an auth method", "DELETE", "acl/auth-method/jwt", token=""),
)

_RULES: tuple[Step, ...] = (
    step("no binding rules", "GET", "acl/binding-rules"),
    step(
        "a binding rule",
        "PUT",
        "acl/binding-rule",
        _rule(Description="d", Selector='value.who == "web"'),
        save={"rule": "body:ID"},
    ),
    step(
        "a binding rule of a role",
        "PUT",
        "acl/binding-rule",
        _rule(BindType="role", BindName="ops", Selector="ops in list.groups"),
        save={"roles": "body:ID"},
    ),
    step(
        "a binding rule of a node",
        "PUT",
        "acl/binding-rule",
        _rule(BindType="node", BindName="n-${value.level}", Selector='value.who == "web"'),
        save={"nodes": "body:ID"},
    ),
    step(
        "a binding rule of another method",
        "PUT",
        "acl/binding-rule",
        _rule(AuthMethod="global", BindName="all"),
        save={"other": "body:ID"},
    ),
    step("a binding rule of no method", "PUT", "acl/binding-rule", {"BindType": "service", "BindName": "x"}),
    step("a binding rule of an unknown method", "PUT", "acl/binding-rule", _rule(AuthMethod="nope")),
    step("a binding rule to nothing", "PUT", "acl/binding-rule", _rule(BindType="")),
    step("a binding rule to a bad kind", "PUT", "acl/binding-rule", _rule(BindType="policy")),
    step("a binding rule without a name", "PUT", "acl/binding-rule", _rule(BindName="")),
    step("a binding rule with a bad name", "PUT", "acl/binding-rule", _rule(BindName="a b")),
    step("a binding rule with an unknown variable", "PUT", "acl/binding-rule", _rule(BindName="${value.nope}")),
    step("a binding rule with a variable not closed", "PUT", "acl/binding-rule", _rule(BindName="${value.who")),
    step("a binding rule with a bad selector", "PUT", "acl/binding-rule", _rule(Selector="x ==")),
    step("a binding rule with an unknown selector", "PUT", "acl/binding-rule", _rule(Selector='x == "y"')),
    step("a binding rule that brings an id", "PUT", "acl/binding-rule", _rule(ID=NEVER)),
    step("a binding rule with an unknown key", "PUT", "acl/binding-rule", _rule(Other=1)),
    step("no binding rule", "PUT", "acl/binding-rule", b""),
    step("the binding rule", "GET", "acl/binding-rule/$rule"),
    step("a binding rule that is not there", "GET", f"acl/binding-rule/{NEVER}"),
    step("a binding rule without an id", "GET", "acl/binding-rule/"),
    step("all binding rules", "GET", "acl/binding-rules", unordered=_ALL),
    step("binding rules of a method", "GET", "acl/binding-rules?authmethod=global"),
    step("binding rules of no method", "GET", "acl/binding-rules?authmethod=nope"),
    step(
        "another binding rule", "PUT", "acl/binding-rule/$rule", _rule(Description="e", Selector='value.who == "web"')
    ),
    step("of another method", "PUT", "acl/binding-rule/$rule", _rule(AuthMethod="global")),
    step(
        "without the method",
        "PUT",
        "acl/binding-rule/$rule",
        {"BindType": "service", "BindName": "svc-${value.who}", "Selector": 'value.who == "web"'},
    ),
    step("of two ids", "PUT", "acl/binding-rule/$rule", _rule(ID=NEVER)),
    step("of no rule", "PUT", f"acl/binding-rule/{NEVER}", _rule()),
    step("who may not see binding rules", "GET", "acl/binding-rules", token=""),
    step("who may not see a binding rule", "GET", "acl/binding-rule/$rule", token=""),
    step("who may not write a binding rule", "PUT", "acl/binding-rule", _rule(), token=""),
    step("who may not delete a binding rule", "DELETE", "acl/binding-rule/$rule", token=""),
)

_REFUSED = {"status": "who is not vouched for may not: Consul says that it failed itself"}

_LOGIN: tuple[Step, ...] = (
    step("a login of a role that is not there", "POST", "acl/login", _login(BEARER), token=""),
    step("a role for logins", "PUT", "acl/role", {"Name": "ops", "ServiceIdentities": [{"ServiceName": "a"}]}),
    step(
        "a login",
        "POST",
        "acl/login",
        {**_login(BEARER), "Meta": {"a": "b"}},
        token="",
        save={"secret": "body:SecretID", "accessor": "body:AccessorID"},
    ),
    step("its token, by its bearer", "GET", "acl/token/self", token="$secret"),
    step("tokens of the method", "GET", "acl/tokens?authmethod=jwt", unordered=_ALL),
    step("its token is not updated in its roles", "PUT", "acl/token/$accessor", {"Description": "x"}),
    step("its token is not copied", "PUT", "acl/token/$accessor/clone", {}),
    step("a login of the whole cluster", "POST", "acl/login", _login(BEARER, "global"), token=""),
    step("a login of somebody else", "POST", "acl/login", _login(_STRANGER), token=""),
    step("a login that ended", "POST", "acl/login", _login(_ENDED), token="", differs=_REFUSED),
    step("a login of another issuer", "POST", "acl/login", _login(_ELSEWHERE), token="", differs=_REFUSED),
    step("a login of an altered token", "POST", "acl/login", _login(BEARER[:-2] + "AA"), token="", differs=_REFUSED),
    step("a login of no token", "POST", "acl/login", _login(""), token="", differs=_REFUSED),
    step("a login of something else", "POST", "acl/login", _login("x"), token="", differs=_REFUSED),
    step("a login by no method", "POST", "acl/login", {"BearerToken": BEARER}, token=""),
    step("a login by an unknown method", "POST", "acl/login", _login(BEARER, "nope"), token=""),
    step("a login with a token", "POST", "acl/login", _login(BEARER)),
    step("a login with an unknown key", "POST", "acl/login", {**_login(BEARER), "Other": 1}, token=""),
    step("a login of no body", "POST", "acl/login", b"", token=""),
    step("a logout without a token", "POST", "acl/logout", token=""),
    step("a logout of an unknown token", "POST", "acl/logout", token=NEVER),
    step("a logout of a token of no login", "POST", "acl/logout"),
    step("a logout", "POST", "acl/logout", token="$secret"),
    step("the token is gone", "GET", "acl/token/self", token="$secret"),
    step("a logout once more", "POST", "acl/logout", token="$secret"),
    step("a binding rule goes", "DELETE", "acl/binding-rule/$nodes"),
    step("it is gone", "GET", "acl/binding-rule/$nodes"),
    step("it goes once more", "DELETE", "acl/binding-rule/$nodes"),
    step("no binding rule goes", "DELETE", "acl/binding-rule/"),
    step("an auth method goes", "DELETE", "acl/auth-method/global"),
    step("its binding rules went", "GET", "acl/binding-rules?authmethod=global"),
    step("its tokens went", "GET", "acl/tokens?authmethod=global"),
    step("an auth method goes once more", "DELETE", "acl/auth-method/global"),
    step("no auth method goes", "DELETE", "acl/auth-method/"),
)

SCENARIO = Scenario("acl_methods", "Auth methods, binding rules, logins.", (*_METHODS, *_RULES, *_LOGIN), CONFIG)
