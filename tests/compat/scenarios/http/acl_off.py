"""`/v1/acl/*`, `/v1/agent/token/*` and `/v1/operator/keyring` of a cluster that has neither ACLs nor encryption."""

from collections.abc import Mapping

from tests.support.recorder.scenario import Scenario, Step

_WHOLE = {
    "PUT": ("bootstrap", "create", "update", "policy", "role", "binding-rule", "auth-method", "token"),
    "GET": ("list", "replication", "policies", "roles", "binding-rules", "auth-methods", "tokens", "token/self"),
    "POST": ("login", "logout", "rules/translate"),
}
_ONE = ("policy/x", "role/x", "binding-rule/x", "auth-method/x", "token/x")
_NAMED = {
    "GET": (*_ONE, "info/x", "policy/name/x", "role/name/x", "rules/translate/x", "token/", "info/", "policy/"),
    "PUT": (*_ONE, "destroy/x", "clone/x", "token/x/clone", "destroy/", "clone/"),
    "DELETE": _ONE,
}
_WRONG = {
    "GET": ("policy", "bootstrap", "token", "login", "rules/translate"),
    "PUT": ("info/x", "login", "rules/translate", "tokens"),
    "POST": ("token", "policy/x"),
    "DELETE": ("list", "token"),
}
_UNKNOWN = {"GET": ("x", "authorize", "namespaces"), "POST": ("oidc/auth-url", "oidc/callback"), "PUT": ("create/",)}
_TOKENS = (
    "default",
    "agent",
    "agent_master",
    "replication",
    "acl_token",
    "acl_agent_token",
    "acl_agent_master_token",
    "acl_replication_token",
    "nope",
    "",
)
_GOSSIP_KEY = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="


def _steps(paths: Mapping[str, tuple[str, ...]]) -> tuple[Step, ...]:
    return tuple(
        Step(f"{method} {path}", method, f"/v1/acl/{path}", {} if method in ("PUT", "POST") else None)
        for method, several in paths.items()
        for path in several
    )


SCENARIO = Scenario(
    "acl_off",
    "What asks for ACLs and keys where there are none.",
    (
        *_steps(_WHOLE),
        *_steps(_NAMED),
        *_steps(_WRONG),
        *_steps(_UNKNOWN),
        *(Step(f"may be done to {path}", "OPTIONS", f"/v1/acl/{path}") for path in ("policy", "policy/x", "list")),
        *(Step(f"the agent's token {name!r}", "PUT", f"/v1/agent/token/{name}", {"Token": "x"}) for name in _TOKENS),
        Step("the agent's token is not shown", "GET", "/v1/agent/token/default"),
        Step("a token that is broken", "PUT", "/v1/agent/token/default", b"{bad"),
        Step("a token that is missing", "PUT", "/v1/agent/token/default"),
        Step("a token without a name", "PUT", "/v1/agent/token", {"Token": "x"}),
        Step("may this be done", "POST", "/v1/internal/acl/authorize", [{"Resource": "key", "Access": "read"}]),
        Step("keys of gossip", "GET", "/v1/operator/keyring"),
        Step("of this agent alone", "GET", "/v1/operator/keyring?local-only=true"),
        Step("of another datacenter", "GET", "/v1/operator/keyring?dc=dc2"),
        Step("by too many relays", "GET", "/v1/operator/keyring?relay-factor=9"),
        Step("by fewer than none", "GET", "/v1/operator/keyring?relay-factor=-1"),
        Step("by two relays", "GET", "/v1/operator/keyring?relay-factor=2"),
        Step("by relays that are no number", "GET", "/v1/operator/keyring?relay-factor=x"),
        Step("locally or not", "GET", "/v1/operator/keyring?local-only=x"),
        Step("a key that is none", "POST", "/v1/operator/keyring", {"Key": "x"}),
        Step("a key to use", "PUT", "/v1/operator/keyring", {"Key": _GOSSIP_KEY}),
        Step("a key to remove", "DELETE", "/v1/operator/keyring", {"Key": _GOSSIP_KEY}),
        Step("a key for this agent alone", "POST", "/v1/operator/keyring?local-only=true", {"Key": _GOSSIP_KEY}),
        Step("no key", "POST", "/v1/operator/keyring", b""),
        Step("a broken key", "POST", "/v1/operator/keyring", b"{"),
        Step("a key that is a number", "POST", "/v1/operator/keyring", {"Key": 5}),
        Step("an empty body of a key", "POST", "/v1/operator/keyring", {}),
        Step("an unknown key beside it", "POST", "/v1/operator/keyring", {"Key": _GOSSIP_KEY, "Foo": 1}),
        Step("what may be done to keys", "OPTIONS", "/v1/operator/keyring"),
        Step("patching keys", "PATCH", "/v1/operator/keyring"),
    ),
)
