"""The adversary: real processes, faults, histories and checkers, in Jepsen's words.

What may enter: what drives, disturbs or judges a cluster from outside. What may not: imports of other rooms, except
the error table `lictor_core.errors`, which says whether a failed operation surely did not happen.
"""

__all__: list[str] = []
