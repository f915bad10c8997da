"""What is remembered of the roots of the mesh beside what everybody may see of them, and what people are told of it.

Pure. Times are seconds since 1970. A root is trusted until every leaf that it signed has ended, so what ends when is
counted as leaves are signed.
"""

from __future__ import annotations

import datetime
from typing import Final

import msgspec

__all__ = ["DAY_S", "RootLife", "certificate_moment", "outstanding", "replaced_at", "with_leaf"]

DAY_S: Final = 86_400
_DAYS_MAX: Final = 400
"""Days that leaves may end on: the longest leaf lives a year."""


class RootLife(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The life of one root, and of what signs for it.

    `given` says that an operator brought the root, or another system keeps it: it is never replaced of itself.
    `signer_begins` and `signer_ends` are the life of the certificate that signs leaves: the root's own, or its
    intermediate's. `rotated_out_at` is when another root took over, 0 while this one signs. `leaves_until` is when the
    last leaf of it ends; `leaves_issued` and `ending` (how many end on which day, counted from 1970) tell how many
    there are.
    """

    root_id: str
    given: bool = False
    signer_begins: float = 0.0
    signer_ends: float = 0.0
    rotated_out_at: float = 0.0
    leaves_until: float = 0.0
    leaves_issued: int = 0
    ending: list[tuple[int, int]] = []


def with_leaf(life: RootLife, until: float) -> RootLife:
    """`life` after a leaf more was signed, which ends at `until`."""
    day = int(until // DAY_S)
    counts = dict(life.ending)
    counts[day] = counts.get(day, 0) + 1
    kept = sorted(counts.items())[-_DAYS_MAX:]
    return msgspec.structs.replace(
        life, leaves_until=max(life.leaves_until, until), leaves_issued=life.leaves_issued + 1, ending=kept
    )


def outstanding(life: RootLife, now: float) -> int:
    """How many leaves of a root have not ended, to the day: those that end today count."""
    today = int(now // DAY_S)
    return sum(count for day, count in life.ending if day >= today)


def replaced_at(begins: float, ends: float, *, leaf_ttl_s: float, rotation_s: float, rotates: bool) -> float:
    """When a root that the CA made is replaced, given its life.

    That is `rotation_s` before its end, and long enough before it for a leaf; with `rotates`, when it is as old as
    that. A root that is to live shortly is replaced at half of its life at the earliest.
    """
    due = ends - min(max(rotation_s, leaf_ttl_s), (ends - begins) / 2)
    return min(due, begins + rotation_s) if rotates else due


def certificate_moment(text: str) -> float:
    """The moment that `NotBefore` or `NotAfter` of a root says, RFC 3339 in UTC; 0 for a text that is none."""
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0
