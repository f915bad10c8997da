"""The leader's desk for access control: who may ask, and to whom an order goes. On others it lies idle."""

from __future__ import annotations

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.explained import explained
from lictor_core.acl.requests import (
    AclAnswer,
    AclOrder,
    AclRequest,
    AuthMethodDelete,
    AuthMethodWrite,
    BindingRuleDelete,
    BindingRuleWrite,
    Bootstrap,
    Explain,
    LegacyDelete,
    LegacyWrite,
    Login,
    Logout,
    PolicyDelete,
    PolicyWrite,
    RoleDelete,
    RoleWrite,
    TokenClone,
    TokenDelete,
    TokenWrite,
)
from lictor_core.acl.rules import Access, Resource
from lictor_core.errors import AuthenticationError, NotFoundError
from lictor_server.acl.bootstrap import BootstrapDesk
from lictor_server.acl.legacy import LegacyDesk
from lictor_server.acl.login import LoginDesk
from lictor_server.acl.means import Means
from lictor_server.acl.methods import MethodDesk
from lictor_server.acl.policies import PolicyDesk
from lictor_server.acl.tokens import TokenDesk

__all__ = ["DISABLED", "AclDesk"]

DISABLED = "ACL support disabled"
"""What is said where access control is off: Consul's words."""
_ID_CHARS_SHOWN = 64
_OPEN = (Bootstrap, Login, Logout)
"""Orders that need no right: one can be had once, the others prove themselves."""


class AclDesk:
    """Carries out orders. All methods belong to the event loop of a server that leads and has caught up."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._bootstrap = BootstrapDesk(means)
        self._tokens = TokenDesk(means)
        self._policies = PolicyDesk(means)
        self._methods = MethodDesk(means)
        self._legacy = LegacyDesk(means, self._tokens)
        self._login = LoginDesk(means, self._tokens, self._methods)

    async def prepare(self) -> None:
        """What must be there before anybody is served."""
        await self._bootstrap.prepare()

    async def carry_out(self, request: AclRequest) -> AclAnswer:
        """What was ordered. Raises as core's `Registry.acl` says."""
        if not self._means.settings.enabled:
            raise AuthenticationError(DISABLED)
        order, secret = request.order, request.token
        if not isinstance(order, _OPEN):
            needed = Access.READ if isinstance(order, Explain) else Access.WRITE
            self._means.resolver.caller(secret).authorizer.require(Resource.ACL, "", needed)
        return await self._done(order, secret)

    async def _done(self, order: AclOrder, secret: str) -> AclAnswer:
        match order:
            case Bootstrap():
                return await self._bootstrap.bootstrap()
            case TokenWrite():
                return await self._tokens.write(order)
            case TokenClone():
                return await self._tokens.clone(order)
            case TokenDelete():
                return await self._tokens.delete(order, secret)
            case PolicyWrite():
                return await self._policies.write_policy(order)
            case PolicyDelete():
                return await self._policies.delete_policy(order)
            case RoleWrite():
                return await self._policies.write_role(order)
            case RoleDelete():
                return await self._policies.delete_role(order)
            case AuthMethodWrite():
                return await self._methods.write_method(order)
            case AuthMethodDelete():
                return await self._methods.delete_method(order)
            case BindingRuleWrite():
                return await self._methods.write_rule(order)
            case BindingRuleDelete():
                return await self._methods.delete_rule(order)
            case Login():
                return await self._login.login(order)
            case Logout():
                return await self._login.logout(secret)
            case LegacyWrite():
                return await self._legacy.write(order)
            case LegacyDelete():
                return await self._legacy.delete(order)
            case Explain():
                return self._explanation(order)

    def _explanation(self, order: Explain) -> AclAnswer:
        token = self._means.acl.token(order.accessor_id)
        if token is None:
            raise NotFoundError(f"no token has the accessor {order.accessor_id[:_ID_CHARS_SHOWN]}")
        judge = Authorizer(self._means.resolver.grants_of(token))
        return AclAnswer(explanation=explained(judge.judge(order.resource, order.name, order.access)))
