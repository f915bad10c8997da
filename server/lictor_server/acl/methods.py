"""Auth methods and binding rules: made, changed, deleted. Rules and messages are those of Consul 1.8.7."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.acl.commands import (
    AclAuthMethodDelete,
    AclAuthMethodSet,
    AclBindingRuleDelete,
    AclBindingRuleSet,
)
from lictor_core.acl.records import AuthMethod, BindingRule
from lictor_core.acl.requests import (
    AclAnswer,
    AuthMethodDelete,
    AuthMethodWrite,
    BindingRuleDelete,
    BindingRuleWrite,
)
from lictor_core.codec import check_nesting
from lictor_core.durations import format_duration, parse_duration
from lictor_core.errors import AclRefusedError, RequestError
from lictor_server.acl.auth.identity import Shape, check_selector, filled_in
from lictor_server.acl.auth.kinds import Validators
from lictor_server.acl.means import Means
from lictor_server.acl.names import checked_name, is_identity_name, is_uuid, why_no_lookup

__all__ = ["NODE", "ROLE", "SERVICE", "MethodDesk", "is_bind_name"]

SERVICE: Final = "service"
NODE: Final = "node"
ROLE: Final = "role"
"""What a rule can bind those to whom it chooses."""
_NAME_MAX: Final = 128
_ROLE_NAME_MAX: Final = 256
_LOCALITIES: Final = ("", "local", "global")


def is_bind_name(bind_type: str, name: str) -> bool:
    """Whether a rule of this type can bind to `name`."""
    if bind_type in (SERVICE, NODE):
        return is_identity_name(name)
    try:
        checked_name(name, "", _ROLE_NAME_MAX)
    except AclRefusedError:
        return False
    return True


class MethodDesk:
    """What the leader does about auth methods and their rules. Who may ask was settled before."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.validators = Validators(means.clock)

    async def write_method(self, order: AuthMethodWrite) -> AclAnswer:
        """Create or replace an auth method; without a type it stays of the type that it is."""
        given, means = order.method, self._means
        old = means.acl.method(given.name)
        if old is not None:
            if given.type and given.type != old.type:
                raise AclRefusedError("the Type field of an Auth Method is immutable")
            given = msgspec.structs.replace(given, type=old.type)
        checked_name(given.name, "Invalid Auth Method", _NAME_MAX)
        if given.token_locality not in _LOCALITIES:
            raise AclRefusedError("Invalid Auth Method: TokenLocality should be one of 'local' or 'global'")
        check_nesting(given.config, "the Config of an auth method")
        method = msgspec.structs.replace(given, max_token_ttl=self._max_ttl(given))
        self.validators.made(method)
        await means.propose(AclAuthMethodSet(method=method))
        means.log.info("acl.auth_method.written", method=method.name, type=method.type, is_new=old is None)
        return AclAnswer(method=means.acl.method(method.name) or method)

    async def delete_method(self, order: AuthMethodDelete) -> AclAnswer:
        """Delete an auth method with its rules and tokens; one that is not there is no error."""
        method = self._means.acl.method(order.name)
        if method is not None:
            await self._means.propose(AclAuthMethodDelete(name=method.name))
            self._means.log.info("acl.auth_method.deleted", method=method.name)
        return AclAnswer()

    async def write_rule(self, order: BindingRuleWrite) -> AclAnswer:
        """Create or replace a binding rule; without an auth method it stays with the one that it has."""
        given, means = order.rule, self._means
        if order.is_update:
            given = self._kept(given)
        if not given.auth_method:
            raise AclRefusedError("Invalid Binding Rule: no AuthMethod is set")
        method = means.acl.method(given.auth_method)
        if method is None:
            raise AclRefusedError(f'cannot find auth method with name "{given.auth_method}"')
        shape = self.validators.of(method).shape
        check_selector(given.selector, shape)
        _check_binding(given, shape)
        if not order.is_update:
            given = msgspec.structs.replace(given, id=means.new_id(lambda id: means.acl.rule(id) is not None))
        await means.propose(AclBindingRuleSet(rule=given, is_update=order.is_update))
        means.log.info("acl.binding_rule.written", id=given.id, method=method.name, is_new=not order.is_update)
        return AclAnswer(rule=means.acl.rule(given.id) or given)

    async def delete_rule(self, order: BindingRuleDelete) -> AclAnswer:
        """Delete a binding rule; one that is not there is no error."""
        if flaw := why_no_lookup(order.id, "binding rule"):
            raise AclRefusedError(flaw)
        rule = self._means.acl.rule(order.id)
        if rule is not None:
            await self._means.propose(AclBindingRuleDelete(id=rule.id))
            self._means.log.info("acl.binding_rule.deleted", id=rule.id, method=rule.auth_method)
        return AclAnswer()

    def _kept(self, given: BindingRule) -> BindingRule:
        if not is_uuid(given.id):
            raise AclRefusedError("Binding Rule ID invalid UUID")
        old = self._means.acl.rule(given.id)
        if old is None:
            raise AclRefusedError(f"cannot find binding rule {given.id}")
        if given.auth_method and given.auth_method != old.auth_method:
            raise AclRefusedError("the AuthMethod field of an Binding Rule is immutable")
        return msgspec.structs.replace(given, id=old.id, auth_method=old.auth_method)

    def _max_ttl(self, method: AuthMethod) -> str:
        if not method.max_token_ttl:
            return ""
        ttl_s, settings = parse_duration(method.max_token_ttl), self._means.settings
        if ttl_s == 0:
            return ""
        shown = format_duration(ttl_s)
        if ttl_s < settings.expiration_min_s:
            raise AclRefusedError(
                f"MaxTokenTTL {shown} cannot be less than {format_duration(settings.expiration_min_s)}"
            )
        if ttl_s > settings.expiration_max_s:
            raise AclRefusedError(
                f"MaxTokenTTL {shown} cannot be more than {format_duration(settings.expiration_max_s)}"
            )
        return shown


def _check_binding(rule: BindingRule, shape: Shape) -> None:
    """Raise `AclRefusedError` for a name that no identity of this shape could make a good one."""
    if not rule.bind_type:
        raise AclRefusedError("Invalid Binding Rule: no BindType is set")
    if rule.bind_type not in (SERVICE, NODE, ROLE):
        raise AclRefusedError(f'Invalid Binding Rule: unknown BindType "{rule.bind_type}"')
    if not rule.bind_name:
        raise AclRefusedError("Invalid Binding Rule: no BindName is set")
    try:
        name = filled_in(rule.bind_name, dict.fromkeys(shape.variables, "fake"))
    except RequestError as error:
        raise AclRefusedError(f"Invalid Binding Rule: invalid BindName: {error}") from error
    if not is_bind_name(rule.bind_type, name):
        raise AclRefusedError("Invalid Binding Rule: invalid BindName")
