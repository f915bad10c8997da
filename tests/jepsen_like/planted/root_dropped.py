"""Lictor with a planted bug: a root that is followed by another one is trusted no more from then on.

`python tests/jepsen_like/planted/root_dropped.py agent ...` starts `lictor agent ...`, and so for `connect proxy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lictor.cli import main
from lictor_core.authority import RootLife
from lictor_core.records import CARoot
from lictor_server.ca import succession
from lictor_server.ca.provider import Established


def plant() -> None:
    """Keep the new root alone, and nothing by which the old one vouches for it."""
    honest = succession.succeeded

    def succeeded(
        roots: Sequence[CARoot],
        lives: Mapping[str, RootLife],
        new: Established,
        cross_signed: str | None,
        *,
        now: float,
        leaf_ttl_s: float,
    ) -> succession.Line:
        line = honest(roots, lives, new, cross_signed, now=now, leaf_ttl_s=leaf_ttl_s)
        return succession.Line(line.roots[-1:], line.lives[-1:])

    succession.__dict__["succeeded"] = succeeded


if __name__ == "__main__":
    plant()
    main()
