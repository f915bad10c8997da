"""Logging in by an auth method, and out again.

What binding rules choose is all that a login gives: a token of this datacenter alone, unless the method says otherwise,
for as long as the method allows.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from lictor_core.acl.records import AuthMethod, BindingRule, Link, NodeIdentity, ServiceIdentity, Token
from lictor_core.acl.requests import AclAnswer, Login
from lictor_core.durations import parse_duration
from lictor_core.errors import AclRefusedError, OverloadedError, PermissionDeniedError, RequestError
from lictor_core.json_text import to_json
from lictor_server.acl.auth.identity import Identity, Shape, Validator, filled_in, is_selected
from lictor_server.acl.means import Means
from lictor_server.acl.methods import NODE, SERVICE, MethodDesk, is_bind_name
from lictor_server.acl.names import LINKS_MAX
from lictor_server.acl.resolver import UNKNOWN_TOKEN
from lictor_server.acl.tokens import TokenDesk
from lictor_server.endpoints.writes import timestamp

__all__ = ["BEARER_CHARS_MAX", "LOGINS_AT_ONCE_MAX", "META_MAX", "LoginDesk"]

B = TypeVar("B", ServiceIdentity, NodeIdentity)

BEARER_CHARS_MAX = 64 * 1024
"""Characters of what is shown to an auth method."""
META_MAX = 64
"""Pairs that a login may leave in the description of its token."""
LOGINS_AT_ONCE_MAX = 64
"""Logins under way: anybody may ask, and who vouches may be slow."""
_DESCRIPTION_CHARS_MAX = 8192
_WHO_CHARS_MAX = 512


class LoginDesk:
    """What the leader does for those that log in and out: they need no right for that."""

    def __init__(self, means: Means, tokens: TokenDesk, methods: MethodDesk) -> None:
        self._means = means
        self._tokens = tokens
        self._methods = methods
        self._under_way = 0

    async def login(self, order: Login) -> AclAnswer:
        """A token for whom the method vouches and a rule chooses.

        Raises `PermissionDeniedError` for everybody else, `PeerError` when who vouches cannot be asked, and
        `OverloadedError` while too many log in.
        """
        means = self._means
        method = means.acl.method(order.auth_method)
        if method is None:
            raise PermissionDeniedError(UNKNOWN_TOKEN)
        description = _description(order)
        if len(order.bearer_token) > BEARER_CHARS_MAX:
            raise AclRefusedError(f"a bearer token has at most {BEARER_CHARS_MAX} characters")
        validator = self._methods.validators.of(method)
        identity = await self._validated(validator, order.bearer_token)
        if means.acl.method(order.auth_method) is not method:
            raise PermissionDeniedError(
                f"Permission denied: auth method {method.name!r} was changed during the login: try again"
            )
        services, nodes, roles = self._bound(means.acl.rules(method.name), validator.shape, identity)
        if not (services or nodes or roles):
            who = _who(identity)
            means.log.warning("acl.login.denied", method=method.name, identity=who, reason="no binding rule chooses it")
            raise PermissionDeniedError(
                f"Permission denied: auth method {method.name!r} vouches for {who}, but no binding rule of it chooses "
                "that, or only for roles that are not there"
            )
        token = msgspec.structs.replace(
            self._new(method, description), service_identities=services, node_identities=nodes, roles=roles
        )
        answer = await self._tokens.put(token, is_update=False)
        means.log.info("acl.login.accepted", method=method.name, accessor_id=token.accessor_id)
        return answer

    async def _validated(self, validator: Validator, bearer_token: str) -> Identity:
        if self._under_way >= LOGINS_AT_ONCE_MAX:
            raise OverloadedError(f"{LOGINS_AT_ONCE_MAX} logins are under way already: retry later")
        self._under_way += 1
        try:
            return await validator.validate(bearer_token)
        finally:
            self._under_way -= 1

    async def logout(self, secret: str) -> AclAnswer:
        """Destroy the token of `secret`, which must come of a login."""
        means = self._means
        token = means.acl.token_of_secret(secret) if secret else None
        if token is None or means.resolver.is_over(token):
            raise PermissionDeniedError(UNKNOWN_TOKEN)
        if not token.auth_method:
            raise PermissionDeniedError(
                "Permission denied: only a token that comes of a login can be destroyed by a logout"
            )
        await self._tokens.drop(token)
        return AclAnswer()

    def _bound(
        self, rules: list[BindingRule], shape: Shape, identity: Identity
    ) -> tuple[tuple[ServiceIdentity, ...], tuple[NodeIdentity, ...], tuple[Link, ...]]:
        """What the rules that choose `identity` give, by name. A role that is not there gives nothing, as in Consul."""
        services: dict[str, ServiceIdentity] = {}
        nodes: dict[str, NodeIdentity] = {}
        roles: dict[str, Link] = {}
        for rule in rules:
            if len(services) + len(nodes) + len(roles) >= LINKS_MAX or not is_selected(rule.selector, shape, identity):
                continue
            name = self._name(rule, identity)
            if rule.bind_type == SERVICE:
                services[name] = ServiceIdentity(service_name=name)
            elif rule.bind_type == NODE:
                nodes[name] = NodeIdentity(node_name=name, datacenter=self._means.store.datacenter)
            elif (role := self._means.acl.roles.named(name)) is not None:
                roles[role.id] = Link(id=role.id)
        return _by_name(services), _by_name(nodes), tuple(roles.values())

    def _name(self, rule: BindingRule, identity: Identity) -> str:
        """Raises `AclRefusedError` for a name that is none: better no token than one for something else."""
        try:
            name = filled_in(rule.bind_name, identity.variables)
        except RequestError as error:
            raise AclRefusedError(f"cannot compute bind name for bind target: {error}") from error
        if not is_bind_name(rule.bind_type, name):
            raise AclRefusedError(f'computed "{rule.bind_type}" bind name for bind target is invalid: "{name[:256]}"')
        return name

    def _new(self, method: AuthMethod, description: str) -> Token:
        means, acl = self._means, self._means.acl
        now = means.clock.now()
        ttl_s = parse_duration(method.max_token_ttl) if method.max_token_ttl else 0.0
        return Token(
            accessor_id=means.new_id(lambda id: acl.token(id) is not None),
            secret_id=means.new_id(lambda id: acl.token_of_secret(id) is not None),
            description=description,
            local=method.token_locality != "global",
            auth_method=method.name,
            expiration_time=timestamp(now + ttl_s) if ttl_s else "",
            create_time=timestamp(now),
            hash="",
            create_index=0,
            modify_index=0,
        )


def _who(identity: Identity) -> str:
    """Whom an auth method vouches for, as people read it: what binding rules can choose by and its bearer knows."""
    text = ", ".join(f"{name}={value!r}" for name, value in identity.variables.items())
    return text[:_WHO_CHARS_MAX] or "somebody of whom it says nothing"


def _description(order: Login) -> str:
    if len(order.meta) > META_MAX:
        raise AclRefusedError(f"a login has at most {META_MAX} pairs of Meta")
    if not order.meta:
        return "token created via login"
    text = f"token created via login: {to_json(dict(sorted(order.meta.items()))).decode()}"
    if len(text) > _DESCRIPTION_CHARS_MAX:
        raise AclRefusedError(f"the Meta of a login makes more than {_DESCRIPTION_CHARS_MAX} characters")
    return text


def _by_name(bound: dict[str, B]) -> tuple[B, ...]:
    """Rules are found by their ids, which are chance."""
    return tuple(bound[name] for name in sorted(bound))
