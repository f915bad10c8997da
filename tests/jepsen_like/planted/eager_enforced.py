"""Lictor with a planted bug: proxies hear of intentions a second late, and are said to judge by them at once.

`python tests/jepsen_like/planted/eager_enforced.py agent ...` starts `lictor agent ...`, and so for `connect proxy`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from lictor.cli import main
from lictor_agent import enforcement
from lictor_connect_proxy.driver.driver import ProxyDriver
from lictor_connect_proxy.snapshot import ProxySnapshot
from lictor_core.proxy_status import Enforcement, ProxyPolicy

LATE_S = 1.0


def compared(wanted: Mapping[str, int], expected: Sequence[ProxyPolicy], told: Sequence[ProxyPolicy]) -> Enforcement:
    """Say of all that they do."""
    return Enforcement(index=max(wanted.values(), default=0), is_complete=True, enforced=list(expected), pending=[])


def plant() -> None:
    """Acknowledge at once, take snapshots late."""
    enforcement.__dict__["compared"] = compared
    honest = ProxyDriver.apply

    def apply(self: ProxyDriver, snapshot: ProxySnapshot) -> None:
        asyncio.get_running_loop().call_later(LATE_S, honest, self, snapshot)

    setattr(ProxyDriver, "apply", apply)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
