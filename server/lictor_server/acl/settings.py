"""What a server is told about access control."""

from __future__ import annotations

import dataclasses

from lictor_core.acl.granted import DefaultPolicy

__all__ = ["AclSettings"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class AclSettings:
    """Access control of one server; all servers of a cluster should be told the same. Times are in seconds."""

    enabled: bool = False
    """Without it everybody may do everything, and tokens mean nothing."""
    default_policy: DefaultPolicy = DefaultPolicy.ALLOW
    """What counts where no rule speaks: ALLOW or DENY."""
    initial_management: str = dataclasses.field(default="", repr=False)
    """The secret of a token that may do everything, made by the first leader; Consul's `tokens.master`."""
    token_ttl_s: float = 30.0
    """How long agents may believe what a token comes to without asking."""
    enable_key_list_policy: bool = False
    """Whether to see many keys at once needs `list`."""
    expiration_min_s: float = 60.0
    """A token that expires lasts at least so long."""
    expiration_max_s: float = 24 * 3600.0
    """And at most so long."""

    @property
    def default(self) -> DefaultPolicy:
        """What counts where no rule speaks, access control being on or off."""
        return self.default_policy if self.enabled else DefaultPolicy.DISABLED
