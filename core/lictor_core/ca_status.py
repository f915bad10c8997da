"""How long the certificates of the mesh still live, who signs, and what is to come: for people and for monitors. Pure.

Times are RFC 3339 in UTC, empty where there is none; days are of 86,400 seconds.
"""

from __future__ import annotations

import datetime
from typing import Final

import msgspec

from lictor_core import topics as on
from lictor_core.authority import DAY_S, RootLife, certificate_moment, outstanding, replaced_at
from lictor_core.durations import parse_duration
from lictor_core.errors import RequestError
from lictor_core.query import Query
from lictor_core.records import CAConfiguration, CARoot, CARoots, Record
from lictor_core.topics import Topic

__all__ = ["CALedger", "CALedgerQuery", "CAStatus", "RootStatus", "ca_status"]

LATE_S: Final = DAY_S
"""What should have been replaced so long ago is not going to be of itself."""
_LEAF_TTL: Final = "72h"
_ROTATION: Final = "2160h"


class CALedger(Record, frozen=True, kw_only=True):
    """What the servers know of their CA, without secrets."""

    roots: CARoots
    lives: list[RootLife]
    configuration: CAConfiguration


class CALedgerQuery(Query[CALedger], frozen=True, kw_only=True, tag="CALedger"):
    """What the servers know of their CA: roots, how many leaves of each are about, settings without secrets."""

    def topics(self) -> tuple[Topic, ...]:
        return (on.CA_ROOTS, on.CA_CONFIGURATION, on.CA_LEAVES)


class RootStatus(Record, frozen=True, kw_only=True):
    """One root.

    `given` says that an operator brought it, or another system keeps it. `signer` is what signs leaves: `root` or
    `intermediate`. `leaves_outstanding` are those that have not ended, to the day. `replaced_at` is when another root
    takes over, `signer_replaced_at` when another intermediate does; `forgotten_at` is when a root that signs no more
    stops being trusted, if it signs nothing further.
    """

    id: str = msgspec.field(name="ID")
    name: str
    active: bool
    given: bool
    private_key_type: str
    private_key_bits: int
    not_before: str
    not_after: str
    days_left: float
    signer: str
    signer_not_after: str
    signer_days_left: float
    replaced_at: str
    signer_replaced_at: str
    rotated_out_at: str
    forgotten_at: str
    leaves_issued: int
    leaves_outstanding: int


class CAStatus(Record, frozen=True, kw_only=True):
    """The CA as a whole. `problems` are sentences, none where all is well."""

    provider: str
    trust_domain: str
    active_root_id: str = msgspec.field(name="ActiveRootID")
    roots: list[RootStatus]
    problems: list[str]


def ca_status(ledger: CALedger, now: float) -> CAStatus:
    """The status at `now`, in seconds since 1970."""
    lives = {life.root_id: life for life in ledger.lives}
    rotation = _Rotation(ledger.configuration)
    roots = [_root(root, lives.get(root.id) or RootLife(root_id=root.id), rotation, now) for root in ledger.roots.roots]
    return CAStatus(
        provider=ledger.configuration.provider,
        trust_domain=ledger.roots.trust_domain,
        active_root_id=ledger.roots.active_root_id,
        roots=roots,
        problems=[
            problem
            for root, shown in zip(ledger.roots.roots, roots, strict=True)
            if root.active
            for problem in _problems(root, shown, lives.get(root.id), rotation, now)
        ]
        or ([] if roots else ["there is no root yet: no leaf can be signed"]),
    )


class _Rotation:
    """What the settings say of when a root is replaced."""

    def __init__(self, configuration: CAConfiguration) -> None:
        config = configuration.config
        self.leaf_ttl_s = _seconds(config.get("LeafCertTTL"), _LEAF_TTL)
        self.period_s = _seconds(config.get("RotationPeriod"), _ROTATION)
        self.rotates = bool(config.get("RotateRoot"))

    def of(self, root: CARoot, life: RootLife | None) -> float:
        """When this root is replaced; 0 for never."""
        if life is None or life.given or not root.active:
            return 0.0
        return replaced_at(
            certificate_moment(root.not_before),
            certificate_moment(root.not_after),
            leaf_ttl_s=self.leaf_ttl_s,
            rotation_s=self.period_s,
            rotates=self.rotates,
        )


def _seconds(value: object, default: str) -> float:
    try:
        return parse_duration(value if isinstance(value, str | int | float) else default)
    except RequestError:
        return parse_duration(default)


def _root(root: CARoot, life: RootLife, rotation: _Rotation, now: float) -> RootStatus:
    ends = certificate_moment(root.not_after)
    own = _signs_by_intermediate(root, life)
    signer_ends = life.signer_ends or ends
    return RootStatus(
        id=root.id,
        name=root.name,
        active=root.active,
        given=life.given,
        private_key_type=root.private_key_type,
        private_key_bits=root.private_key_bits,
        not_before=root.not_before,
        not_after=root.not_after,
        days_left=_days(ends - now),
        signer="intermediate" if own else "root",
        signer_not_after=_shown(signer_ends),
        signer_days_left=_days(signer_ends - now),
        replaced_at=_shown(rotation.of(root, life)),
        signer_replaced_at=_shown((life.signer_begins + life.signer_ends) / 2 if own and root.active else 0.0),
        rotated_out_at=_shown(life.rotated_out_at),
        forgotten_at="" if root.active else _shown(max(life.leaves_until, life.rotated_out_at)),
        leaves_issued=life.leaves_issued,
        leaves_outstanding=outstanding(life, now),
    )


def _problems(root: CARoot, shown: RootStatus, life: RootLife | None, rotation: _Rotation, now: float) -> list[str]:
    begins, ends = certificate_moment(root.not_before), certificate_moment(root.not_after)
    found: list[str] = []
    if now >= ends:
        found.append(f"the active root has ended at {root.not_after}: set another one")
    elif life is not None and life.given and now >= (begins + ends) / 2:
        found.append(
            f"the active root was given, is past half of its life and ends in {shown.days_left:g} days: nobody "
            "replaces it but you"
        )
    due = rotation.of(root, life)
    if due and now >= due + LATE_S:
        found.append(f"the active root should have been replaced at {shown.replaced_at}: see the leader's log")
    if life is not None and shown.signer == "intermediate":
        if now >= life.signer_ends:
            found.append(f"what signs leaves has ended at {shown.signer_not_after}")
        elif now >= (life.signer_begins + life.signer_ends) / 2 + LATE_S:
            found.append(
                f"what signs leaves is past half of its life and ends in {shown.signer_days_left:g} days: see the "
                "leader's log"
            )
    return found


def _signs_by_intermediate(root: CARoot, life: RootLife) -> bool:
    return bool(life.signer_ends) and _shown(life.signer_ends) != root.not_after


def _days(seconds: float) -> float:
    return round(seconds / DAY_S, 2)


def _shown(moment: float) -> str:
    return datetime.datetime.fromtimestamp(int(moment), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""
