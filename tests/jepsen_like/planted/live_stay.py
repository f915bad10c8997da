"""Lictor with a planted bug: proxies deny new connections, and leave those open that they had let in before.

`python tests/jepsen_like/planted/live_stay.py connect proxy ...` starts `lictor connect proxy ...`.
"""

from __future__ import annotations

from lictor.cli import main
from lictor_connect_proxy.driver.inbound import Inbound


def plant() -> None:
    """Judge no live connection again."""

    def judge_again(self: Inbound) -> int:
        return 0

    setattr(Inbound, "judge_again", judge_again)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
