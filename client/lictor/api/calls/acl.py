"""Access control: `/v1/acl`. Sources: Consul's documents `api-docs/acl/*`.

What is written is a mapping with the keys of Consul's API. Who asks is who the client's token says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from lictor.api.calls.acl_records import (
    AclReplication,
    AclVerdict,
    ListedAuthMethod,
    ListedPolicy,
    ListedToken,
)
from lictor.api.messages import Call, Options, Response, decoded, json_call, list_call, none_call, true_call
from lictor_core.acl.explained import AclExplanation
from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token

__all__ = [
    "auth_method",
    "auth_methods",
    "authorize",
    "binding_rule",
    "binding_rules",
    "bootstrap",
    "clone_token",
    "create_auth_method",
    "create_binding_rule",
    "create_policy",
    "create_role",
    "create_token",
    "delete_auth_method",
    "delete_binding_rule",
    "delete_policy",
    "delete_role",
    "delete_token",
    "explain",
    "login",
    "logout",
    "own_token",
    "policies",
    "policy",
    "policy_named",
    "replication",
    "role",
    "role_named",
    "roles",
    "token",
    "tokens",
    "translate",
    "translate_token",
    "update_auth_method",
    "update_binding_rule",
    "update_policy",
    "update_role",
    "update_token",
]

T = TypeVar("T")

_NOT_FOUND: Final = 404
_FORBIDDEN: Final = 403
_NO_SUCH: Final = b"ACL not found"


def bootstrap(*, dc: str = "") -> Call[Token]:
    """The first token of a cluster, which may do everything; it is made once."""
    return json_call(Token, "/v1/acl/bootstrap", None, ("dc", dc), method="PUT")


def replication(options: Options | None = None) -> Call[AclReplication]:
    """How tokens come from another datacenter."""
    return json_call(AclReplication, "/v1/acl/replication", options)


def login(auth_method: str, bearer_token: str, *, meta: Mapping[str, str] | None = None, dc: str = "") -> Call[Token]:
    """A token for who shows what an auth method vouches for; `logout` destroys it."""
    body = {"AuthMethod": auth_method, "BearerToken": bearer_token, "Meta": dict(meta or {})}
    return json_call(Token, "/v1/acl/login", None, ("dc", dc), method="POST", body=body)


def logout(*, dc: str = "") -> Call[None]:
    """Destroy the client's token, which came of a login."""
    return none_call("POST", "/v1/acl/logout", ("dc", dc))


def tokens(
    options: Options | None = None, *, policy: str = "", role: str = "", auth_method: str = ""
) -> Call[list[ListedToken]]:
    """All tokens, or those of one policy, role (by id) or auth method."""
    return list_call(
        list[ListedToken], "/v1/acl/tokens", options, ("policy", policy), ("role", role), ("authmethod", auth_method)
    )


def token(accessor_id: str, options: Options | None = None) -> Call[Token]:
    """One token; the secret is `<hidden>` for who may only read. One that is not there is refused with 403."""
    return json_call(Token, f"/v1/acl/token/{accessor_id}", options)


def own_token(options: Options | None = None) -> Call[Token]:
    """The client's own token."""
    return json_call(Token, "/v1/acl/token/self", options)


def create_token(token: Mapping[str, object], *, dc: str = "") -> Call[Token]:
    """Make a token; the answer has its secret."""
    return json_call(Token, "/v1/acl/token", None, ("dc", dc), method="PUT", body=dict(token))


def update_token(accessor_id: str, token: Mapping[str, object], *, dc: str = "") -> Call[Token]:
    """Replace what a token says: what is left out is empty then."""
    path = f"/v1/acl/token/{accessor_id}"
    return json_call(Token, path, None, ("dc", dc), method="PUT", body=dict(token))


def clone_token(accessor_id: str, description: str = "", *, dc: str = "") -> Call[Token]:
    """Make a token like another, with its description if none is given."""
    path = f"/v1/acl/token/{accessor_id}/clone"
    return json_call(Token, path, None, ("dc", dc), method="PUT", body={"Description": description})


def delete_token(accessor_id: str, *, dc: str = "") -> Call[bool]:
    """Delete a token: what it allowed ends now."""
    return true_call("DELETE", f"/v1/acl/token/{accessor_id}", ("dc", dc))


def policies(options: Options | None = None) -> Call[list[ListedPolicy]]:
    """All policies."""
    return list_call(list[ListedPolicy], "/v1/acl/policies", options)


def policy(policy_id: str, options: Options | None = None) -> Call[Policy | None]:
    """One policy by its id; None when there is none."""
    return _found(Policy, f"/v1/acl/policy/{policy_id}", options)


def policy_named(name: str, options: Options | None = None) -> Call[Policy | None]:
    """One policy by its name; None when there is none."""
    return _found(Policy, f"/v1/acl/policy/name/{name}", options)


def create_policy(policy: Mapping[str, object], *, dc: str = "") -> Call[Policy]:
    """Make a policy."""
    return json_call(Policy, "/v1/acl/policy", None, ("dc", dc), method="PUT", body=dict(policy))


def update_policy(policy_id: str, policy: Mapping[str, object], *, dc: str = "") -> Call[Policy]:
    """Replace a policy."""
    return json_call(Policy, f"/v1/acl/policy/{policy_id}", None, ("dc", dc), method="PUT", body=dict(policy))


def delete_policy(policy_id: str, *, dc: str = "") -> Call[bool]:
    """Delete a policy; who had it has it no more."""
    return true_call("DELETE", f"/v1/acl/policy/{policy_id}", ("dc", dc))


def roles(options: Options | None = None, *, policy: str = "") -> Call[list[Role]]:
    """All roles, or those of a policy (by id)."""
    return list_call(list[Role], "/v1/acl/roles", options, ("policy", policy))


def role(role_id: str, options: Options | None = None) -> Call[Role | None]:
    """One role by its id; None when there is none."""
    return _found(Role, f"/v1/acl/role/{role_id}", options)


def role_named(name: str, options: Options | None = None) -> Call[Role | None]:
    """One role by its name; None when there is none."""
    return _found(Role, f"/v1/acl/role/name/{name}", options)


def create_role(role: Mapping[str, object], *, dc: str = "") -> Call[Role]:
    """Make a role."""
    return json_call(Role, "/v1/acl/role", None, ("dc", dc), method="PUT", body=dict(role))


def update_role(role_id: str, role: Mapping[str, object], *, dc: str = "") -> Call[Role]:
    """Replace a role."""
    return json_call(Role, f"/v1/acl/role/{role_id}", None, ("dc", dc), method="PUT", body=dict(role))


def delete_role(role_id: str, *, dc: str = "") -> Call[bool]:
    """Delete a role; who had it has it no more."""
    return true_call("DELETE", f"/v1/acl/role/{role_id}", ("dc", dc))


def auth_methods(options: Options | None = None) -> Call[list[ListedAuthMethod]]:
    """All auth methods."""
    return list_call(list[ListedAuthMethod], "/v1/acl/auth-methods", options)


def auth_method(name: str, options: Options | None = None) -> Call[AuthMethod | None]:
    """One auth method; None when there is none."""
    return _found(AuthMethod, f"/v1/acl/auth-method/{name}", options)


def create_auth_method(method: Mapping[str, object], *, dc: str = "") -> Call[AuthMethod]:
    """Make an auth method."""
    return json_call(AuthMethod, "/v1/acl/auth-method", None, ("dc", dc), method="PUT", body=dict(method))


def update_auth_method(name: str, method: Mapping[str, object], *, dc: str = "") -> Call[AuthMethod]:
    """Replace an auth method."""
    return json_call(AuthMethod, f"/v1/acl/auth-method/{name}", None, ("dc", dc), method="PUT", body=dict(method))


def delete_auth_method(name: str, *, dc: str = "") -> Call[bool]:
    """Delete an auth method, its binding rules, and the tokens of those who logged in by it."""
    return true_call("DELETE", f"/v1/acl/auth-method/{name}", ("dc", dc))


def binding_rules(options: Options | None = None, *, auth_method: str = "") -> Call[list[BindingRule]]:
    """All binding rules, or those of an auth method."""
    return list_call(list[BindingRule], "/v1/acl/binding-rules", options, ("authmethod", auth_method))


def binding_rule(rule_id: str, options: Options | None = None) -> Call[BindingRule | None]:
    """One binding rule; None when there is none."""
    return _found(BindingRule, f"/v1/acl/binding-rule/{rule_id}", options)


def create_binding_rule(rule: Mapping[str, object], *, dc: str = "") -> Call[BindingRule]:
    """Make a binding rule."""
    return json_call(BindingRule, "/v1/acl/binding-rule", None, ("dc", dc), method="PUT", body=dict(rule))


def update_binding_rule(rule_id: str, rule: Mapping[str, object], *, dc: str = "") -> Call[BindingRule]:
    """Replace a binding rule."""
    return json_call(BindingRule, f"/v1/acl/binding-rule/{rule_id}", None, ("dc", dc), method="PUT", body=dict(rule))


def delete_binding_rule(rule_id: str, *, dc: str = "") -> Call[bool]:
    """Delete a binding rule."""
    return true_call("DELETE", f"/v1/acl/binding-rule/{rule_id}", ("dc", dc))


def translate(rules: str) -> Call[str]:
    """Rules in the words of before Consul 1.4 in those of today."""
    made = none_call("POST", "/v1/acl/rules/translate", body=rules.encode())
    return Call(request=made.request, read=_text)


def translate_token(accessor_id: str, options: Options | None = None) -> Call[str]:
    """The rules that stand in a token of before Consul 1.4 in the words of today."""
    made = none_call("GET", f"/v1/acl/rules/translate/{accessor_id}", options=options)
    return Call(request=made.request, read=_text)


def authorize(questions: Sequence[tuple[str, str, str]]) -> Call[list[AclVerdict]]:
    """Which of several things (resource, name, access; at most 64) the client's token may do."""
    body = [{"Resource": resource, "Segment": name, "Access": access} for resource, name, access in questions]
    return json_call(list[AclVerdict], "/v1/internal/acl/authorize", method="POST", body=body)


def explain(
    accessor_id: str, resource: str, name: str = "", access: str = "read", options: Options | None = None
) -> Call[AclExplanation]:
    """Why a token may do something or not: every rule that speaks of it. Consul has no such thing."""
    return json_call(
        AclExplanation,
        "/v1/internal/acl/explain",
        options,
        ("accessor", accessor_id),
        ("resource", resource),
        ("name", name),
        ("access", access),
    )


def _found(kind: type[T], path: str, options: Options | None) -> Call[T | None]:
    """One thing, None when it is not there: which is 404, or 403 with words of its own."""
    base = none_call("GET", path, options=options)

    def read(response: Response) -> T | None:
        is_missing = response.status == _FORBIDDEN and response.body.strip() == _NO_SUCH and _is_known(response)
        if response.status == _NOT_FOUND or is_missing:
            return None
        response.check()
        return decoded(response, kind)

    return Call(request=base.request, read=read)


def _is_known(response: Response) -> bool:
    """Whether it is the thing that is not there, not the token of who asks: only then the registry was read."""
    return response.headers.get("x-consul-knownleader", "false") == "true"


def _text(response: Response) -> str:
    response.check()
    return response.body.decode(errors="replace")
