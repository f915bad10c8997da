"""What a CA is to the servers, whoever keeps its keys: a root that is trusted, and leaves signed for it.

A provider is asked by the leader alone, one request for a change at a time. It changes nothing that is shared: what it
made comes back as `Established`, and is in force once the state holds it.
"""

from __future__ import annotations

import dataclasses
from typing import Protocol

from lictor_core.authority import RootLife
from lictor_core.commands import CAKeyMaterial
from lictor_core.records import CARoot
from lictor_server.ca.leaves import LeafOrder, SignedLeaf

__all__ = ["Established", "LeafTerms", "Provider"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Established:
    """A root that can sign, as a provider made, took or found it.

    `root` holds the provider's own intermediates, first the one that signs; none where the root signs itself. `key` is
    what the servers must keep to sign, None where another system keeps it. `state` is what the provider wants to find
    again, by names of its own; nothing in it is secret.
    """

    root: CARoot
    life: RootLife
    key: CAKeyMaterial | None = None
    state: dict[str, str] | None = None

    @property
    def has_own_intermediate(self) -> bool:
        """Whether leaves are signed by an intermediate that the provider makes, and renews."""
        return self.key is None or bool(self.key.intermediate_key)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LeafTerms:
    """How a leaf shall be: its number, when it is signed (seconds since 1970), and how long it is valid from then."""

    serial: int
    now: float
    lifetime_s: float


class Provider(Protocol):
    """One CA under one set of settings. Times are seconds since 1970.

    Every method raises `RequestError` for settings or requests that cannot be served, and `PeerError` where another
    system had to be asked and did not answer as it should.
    """

    async def establish(self, current: Established | None, now: float) -> Established:
        """The root that the settings ask for: `current`, where it is this provider's and what they ask for."""
        ...

    async def keep(self, current: Established, now: float) -> Established:
        """Look after what is held elsewhere, now and then: `current`, or what is in its place there by now."""
        ...

    async def renew_root(self, current: Established, now: float) -> Established:
        """Another root in place of `current`, whose end is near. Only for roots that the provider itself made."""
        ...

    async def renew_intermediate(self, current: Established, now: float) -> Established:
        """The same root with another intermediate, as the one that signs is past half of its life."""
        ...

    async def sign_leaf(self, current: Established, order: LeafOrder, terms: LeafTerms) -> SignedLeaf:
        """The leaf alone, without those that signed its signer."""
        ...

    async def sign_intermediate(self, current: Established, csr: str, terms: LeafTerms) -> str:
        """A CA below `current`'s root, that may sign leaves only, for a signing request; PEM."""
        ...

    async def cross_sign(self, current: Established, root_pem: str, terms: LeafTerms) -> str:
        """Another root, signed by `current`'s: who trusts this one alone follows it to that one. PEM."""
        ...

    async def clean_up(self, current: Established) -> None:
        """Another provider took over: give back what is held elsewhere. What is needed to verify leaves stays."""
        ...
