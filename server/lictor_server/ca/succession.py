"""Which roots are trusted, and what stands between them and leaves, as one root follows another. Pure.

Source: Consul's document `docs/connect/ca`, "Root Certificate Rotation". Where Consul drops an old root after twice the
present `LeafCertTTL`, here it goes when the last leaf that it signed has ended, whatever the setting was then.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from cryptography import x509

from lictor_core.authority import RootLife, certificate_moment, replaced_at
from lictor_core.records import CARoot
from lictor_server.ca.provider import Established
from lictor_server.ca.settings import CASettings

__all__ = [
    "CROSS_SIGNED_S_MIN",
    "ROOTS_MAX",
    "SKEW_S",
    "Line",
    "aging",
    "assumed_life",
    "chain_below",
    "cross_signed_s",
    "ended",
    "inactive",
    "renewed",
    "root_due_at",
    "signer_due_at",
    "succeeded",
    "without",
]

CROSS_SIGNED_S_MIN: Final = 7 * 86_400.0
"""How long an old root vouches for a new one at least, as Consul's; agents learn of new roots within a second."""
SKEW_S: Final = 300.0
"""Clocks of hosts may be so far behind: a root is trusted for so much longer than its last leaf lives."""
ROOTS_MAX: Final = 64
"""Roots that are trusted at once. A further one is refused: every proxy looks through all of them."""


class Line(NamedTuple):
    """All trusted roots, the active one last, with what is to be remembered of them."""

    roots: list[CARoot]
    lives: list[RootLife]


def succeeded(
    roots: Sequence[CARoot],
    lives: Mapping[str, RootLife],
    new: Established,
    cross_signed: str | None,
    *,
    now: float,
    leaf_ttl_s: float,
) -> Line:
    """The line of roots once `new` signs, for which the root before it vouches by `cross_signed`."""
    old: list[CARoot] = []
    remembered: list[RootLife] = []
    for root in roots:
        if root.id == new.root.id:
            continue
        life = lives.get(root.id) or assumed_life(root, now + 2 * leaf_ttl_s)
        if root.active or not life.rotated_out_at:
            life = msgspec.structs.replace(life, rotated_out_at=now)
        old.append(inactive(root))
        remembered.append(life)
    chain = [*(new.root.intermediate_certs or ()), *([] if cross_signed is None else [cross_signed])]
    active = msgspec.structs.replace(new.root, active=True, intermediate_certs=chain or None)
    return Line([*old, active], [*remembered, msgspec.structs.replace(new.life, rotated_out_at=0.0)])


def renewed(roots: Sequence[CARoot], lives: Mapping[str, RootLife], current: Established, *, now: float) -> Line:
    """The line of roots once `current`, which is active already, signs by another certificate.

    Older roots go on vouching for it.
    """
    before = next(root for root in roots if root.id == current.root.id)
    vouched = [pem for pem in before.intermediate_certs or () if _is_cross_signed(pem, before) and _ends(pem) > now]
    chain = [*(current.root.intermediate_certs or ()), *vouched]
    after = msgspec.structs.replace(before, intermediate_certs=chain or None)
    others = [life for life in lives.values() if life.root_id != after.id]
    return Line([after if root.id == after.id else root for root in roots], [*others, current.life])


def ended(roots: Sequence[CARoot], lives: Mapping[str, RootLife], now: float) -> list[str]:
    """The ids of the roots that no valid leaf chains to any more."""
    return [
        root.id
        for root in roots
        if not root.active
        and (life := lives.get(root.id)) is not None
        and now > max(life.leaves_until, life.rotated_out_at) + SKEW_S
    ]


def without(roots: Sequence[CARoot], gone: Sequence[str]) -> list[CARoot]:
    """The roots that stay."""
    return [root for root in roots if root.id not in gone]


def chain_below(root: CARoot, now: float) -> str:
    """What is sent along with leaves of a root: its intermediates, and what older roots vouch for it by; PEM."""
    return "".join(pem.strip() + "\n" for pem in root.intermediate_certs or () if _ends(pem) > now)


def root_due_at(root: CARoot, life: RootLife, settings: CASettings) -> float | None:
    """When a root that the CA made is to be replaced; None for one that was given."""
    if life.given:
        return None
    return replaced_at(
        certificate_moment(root.not_before),
        certificate_moment(root.not_after),
        leaf_ttl_s=settings.leaf_ttl_s,
        rotation_s=settings.rotation_s,
        rotates=settings.rotates_root,
    )


def signer_due_at(life: RootLife) -> float:
    """When the intermediate that signs is past half of its life."""
    return (life.signer_begins + life.signer_ends) / 2


def cross_signed_s(leaf_ttl_s: float) -> float:
    """How long an old root vouches for a new one."""
    return max(CROSS_SIGNED_S_MIN, 2 * leaf_ttl_s)


def inactive(root: CARoot) -> CARoot:
    """The root as one that is trusted and does not sign."""
    return msgspec.structs.replace(root, active=False)


def aging(current: Established) -> list[tuple[str, float, float]]:
    """What the active root's leaves depend on: what it is, and its life."""
    root, life = current.root, current.life
    found = [("root", certificate_moment(root.not_before), certificate_moment(root.not_after))]
    if root.intermediate_certs and (life.signer_begins, life.signer_ends) != found[0][1:]:
        found.append(("intermediate", life.signer_begins, life.signer_ends))
    return found


def assumed_life(root: CARoot, leaves_until: float, *, rotated_out_at: float = 0.0) -> RootLife:
    """The life of a root of which nothing was remembered yet: leaves of it may live until `leaves_until`."""
    return RootLife(
        root_id=root.id,
        signer_begins=certificate_moment(root.not_before),
        signer_ends=certificate_moment(root.not_after),
        leaves_until=leaves_until,
        rotated_out_at=rotated_out_at,
    )


def _is_cross_signed(pem: str, root: CARoot) -> bool:
    """Whether this is the root's own name and key, signed by another."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return certificate.public_key() == x509.load_pem_x509_certificate(root.root_cert.encode()).public_key()


def _ends(pem: str) -> float:
    end: datetime.datetime = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    return end.timestamp()
