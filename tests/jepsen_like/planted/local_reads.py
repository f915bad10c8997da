"""Lictor with a planted bug: default reads are answered from the server's own store, without asking who leads.

`python tests/jepsen_like/planted/local_reads.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lictor.cli import main
from lictor_agent.http import requests
from lictor_core.commands import ReadMode


def plant() -> None:
    """Take default reads for stale ones."""
    parts = requests.__dict__
    asked: Callable[[Mapping[str, str]], ReadMode] = parts["_mode"]

    def local(parameters: Mapping[str, str]) -> ReadMode:
        mode = asked(parameters)
        return ReadMode.STALE if mode is ReadMode.DEFAULT else mode

    parts["_mode"] = local


if __name__ == "__main__":
    plant()
    main()
