"""Tokens of the API before Consul 1.4: named by their secret, with rules of their own. As Consul 1.8.7 treats them."""

from __future__ import annotations

from typing import Final

import msgspec

from lictor_core.acl.records import ANONYMOUS_SECRET, Token
from lictor_core.acl.requests import AclAnswer, LegacyDelete, LegacyWrite
from lictor_core.errors import AclRefusedError, PermissionDeniedError, RequestError
from lictor_server.acl.granting import LEGACY_MANAGEMENT
from lictor_server.acl.means import Means
from lictor_server.acl.names import is_reserved
from lictor_server.acl.texts import legacy_rules
from lictor_server.acl.tokens import TokenDesk
from lictor_server.endpoints.writes import timestamp

__all__ = ["LegacyDesk"]

_CLIENT: Final = "client"
_SECRET_CHARS_MAX: Final = 1024


class LegacyDesk:
    """What the leader does for the older API. Who may ask was settled before."""

    def __init__(self, means: Means, tokens: TokenDesk) -> None:
        self._means = means
        self._tokens = tokens

    async def write(self, order: LegacyWrite) -> AclAnswer:
        """Create or replace a token; a secret that is given makes no difference between the two."""
        means, acl = self._means, self._means.acl
        kind = order.type or _CLIENT
        if kind not in (_CLIENT, LEGACY_MANAGEMENT):
            raise AclRefusedError("Invalid ACL Type")
        if len(order.id) > _SECRET_CHARS_MAX or is_reserved(order.id):
            raise AclRefusedError(f"Invalid ACL: an ID has at most {_SECRET_CHARS_MAX} characters, and is not reserved")
        try:
            legacy_rules(order.rules)
        except RequestError as error:
            raise AclRefusedError(f"ACL rule compilation failed: {error}") from error
        secret = order.id or means.new_id(lambda id: acl.token_of_secret(id) is not None)
        old = acl.token_of_secret(secret)
        if old is not None and not old.legacy:
            raise AclRefusedError("Cannot use legacy endpoint to modify a non-legacy token")
        token = self._new(secret) if old is None else old
        token = msgspec.structs.replace(token, description=order.name, type=kind, rules=order.rules)
        return await self._tokens.put(token, is_update=old is not None)

    async def delete(self, order: LegacyDelete) -> AclAnswer:
        """Destroy a token by its secret; one that is not there is no error."""
        if not order.id:
            raise AclRefusedError("Missing ACL ID")
        if order.id == ANONYMOUS_SECRET:
            raise PermissionDeniedError("Permission denied: Cannot delete anonymous token")
        token = self._means.acl.token_of_secret(order.id)
        if token is not None:
            await self._tokens.drop(token)
        return AclAnswer()

    def _new(self, secret: str) -> Token:
        acl = self._means.acl
        return Token(
            accessor_id=self._means.new_id(lambda id: acl.token(id) is not None),
            secret_id=secret,
            description="",
            local=False,
            create_time=timestamp(self._means.clock.now()),
            hash="",
            create_index=0,
            modify_index=0,
            legacy=True,
        )
