"""What a cluster with access control begins with: the policy of everything, the anonymous token, the first tokens.

Who has access to the data directory of the leader may bootstrap once more: by writing the reset index, which an attempt
tells, into a file there. The file goes with the attempt that finds it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from lictor_core.acl.commands import AclBootstrap, AclPolicySet, AclTokenSet
from lictor_core.acl.records import ANONYMOUS_ID, ANONYMOUS_SECRET, MANAGEMENT_ID, Link, Policy, Token
from lictor_core.acl.requests import AclAnswer
from lictor_core.acl.rules import Resource
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.hashes import hash_of_policy, hash_of_token
from lictor_server.acl.means import Means
from lictor_server.acl.names import is_reserved
from lictor_server.endpoints.writes import timestamp
from lictor_server.state.acl_answers import shown_token
from lictor_server.state.acl_changes import why_no_bootstrap

__all__ = ["RESET_FILE", "BootstrapDesk", "management_policy"]

RESET_FILE: Final = "acl-bootstrap-reset"
"""In the data directory of the leader, Consul's name."""
_RESET_BYTES_MAX: Final = 64
_IN_CONSUL: Final = tuple(kind for kind in Resource if kind not in (Resource.INTENTION, Resource.MESH))


def management_policy() -> Policy:
    """The policy that grants everything. Its text is what Consul 1.8.7 shows; it is never judged by it."""
    policy = Policy(
        id=MANAGEMENT_ID,
        name="global-management",
        description="Builtin Policy that grants unlimited access",
        rules="".join(map(_grant, _IN_CONSUL)),
        hash="",
        create_index=0,
        modify_index=0,
    )
    return msgspec.structs.replace(policy, hash=hash_of_policy(policy))


def _grant(kind: Resource) -> str:
    if not kind.is_named:
        return f'\n{kind.value} = "write"'
    more = '\n\tintentions = "write"' if kind is Resource.SERVICE else ""
    return f'\n{kind.value}_prefix "" {{\n\tpolicy = "write"{more}\n}}'


class BootstrapDesk:
    """What the leader sees to before it serves, and the first token."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def prepare(self) -> None:
        """Write what is missing. Raises what `propose` does."""
        means = self._means
        if not means.settings.enabled:
            return
        if means.acl.policies.get(MANAGEMENT_ID) is None:
            await means.propose(AclPolicySet(policy=management_policy()))
        await self._begin_with(means.settings.initial_management)
        if means.acl.token(ANONYMOUS_ID) is None:
            token = self._token(ANONYMOUS_ID, ANONYMOUS_SECRET, "Anonymous Token")
            await means.propose(AclTokenSet(token=token))

    async def bootstrap(self) -> AclAnswer:
        """The first token, once. Raises `PermissionDeniedError` when it was given already."""
        means = self._means
        reset_index = self._reset_index()
        if refusal := why_no_bootstrap(means.store, reset_index):
            raise PermissionDeniedError(refusal)
        token = self._management(means.new_id(_never), "Bootstrap Token (Global Management)")
        await means.propose(AclBootstrap(token=token, reset_index=reset_index))
        means.log.warning("acl.cluster.bootstrapped", accessor_id=token.accessor_id)
        return AclAnswer(token=shown_token(means.acl, means.acl.token(token.accessor_id) or token))

    async def _begin_with(self, secret: str) -> None:
        """The token that the configuration brings along, which takes the place of a bootstrap."""
        means = self._means
        if not secret or means.acl.token_of_secret(secret) is not None:
            return
        if is_reserved(secret) or secret == ANONYMOUS_SECRET:
            means.log.error("acl.initial_token.refused", reason="its secret is one that servers keep for themselves")
            return
        token = self._management(secret, "Master Token")
        if why_no_bootstrap(means.store, 0):
            await means.propose(AclTokenSet(token=token))
        else:
            await means.propose(AclBootstrap(token=token))
        means.log.info("acl.initial_token.written", accessor_id=token.accessor_id)

    def _management(self, secret: str, description: str) -> Token:
        acl = self._means.acl
        accessor_id = self._means.new_id(lambda id: acl.token(id) is not None)
        return self._token(accessor_id, secret, description, Link(id=MANAGEMENT_ID))

    def _token(self, accessor_id: str, secret: str, description: str, *policies: Link) -> Token:
        token = Token(
            accessor_id=accessor_id,
            secret_id=secret,
            description=description,
            policies=policies,
            local=False,
            create_time=timestamp(self._means.clock.now()),
            hash="",
            create_index=0,
            modify_index=0,
        )
        return msgspec.structs.replace(token, hash=hash_of_token(token))

    def _reset_index(self) -> int:
        """What the reset file says; 0 where there is none. It is read and removed, whatever it says."""
        if not self._means.data_dir:
            return 0
        path = Path(self._means.data_dir) / RESET_FILE
        try:
            with path.open("rb") as file:
                text = file.read(_RESET_BYTES_MAX).decode("ascii", "replace").strip()
            path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as error:
            self._means.log.error("acl.reset_file.not_read", path=str(path), reason=str(error))
            return 0
        if not text.isdecimal():
            self._means.log.error("acl.reset_file.not_read", path=str(path), reason="it holds no reset index")
            return 0
        self._means.log.warning("acl.reset_file.read", path=str(path))
        return int(text)


def _never(id: str) -> bool:
    return False
