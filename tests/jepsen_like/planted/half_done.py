"""Lictor with a planted bug: of a transaction that cannot be, what comes before the flaw is done all the same.

`python tests/jepsen_like/planted/half_done.py agent ...` starts `lictor agent ...`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lictor.cli import main
from lictor_core.transactions import Operation, TransactionAnswer
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store
from lictor_server.state.transactions import carry_out


def plant() -> None:
    """Carry out one operation after another, until one cannot be."""

    def halves(store: Store, change: Change, operations: Sequence[Operation]) -> TransactionAnswer:
        done = TransactionAnswer()
        for operation in operations:
            one = carry_out(store, change, [operation])
            if one.errors:
                return one
            done = TransactionAnswer(results=[*done.results, *one.results])
        return done

    # By its name: the package gives the name of this module to a function of it.
    setattr(sys.modules["lictor_server.state.apply"], "carry_out", halves)  # noqa: B010 a bug is planted, which the type checker would not allow


if __name__ == "__main__":
    plant()
    main()
