"""The replicated state: a pure function of the log.

What may enter: tables of immutable records, `apply(store, index, command)`, `answer(store, query)`, indexes, watches,
snapshots. What may not: clock, chance, sockets, files, threads, event loops, logs. The same log gives the same bytes on
every server (architecture, decision 1).
"""

from lictor_server.state.answers import answer
from lictor_server.state.apply import apply, apply_proposal
from lictor_server.state.indexes import Change
from lictor_server.state.store import Store
from lictor_server.state.watch import Watch, Watches

__all__ = ["Change", "Store", "Watch", "Watches", "answer", "apply", "apply_proposal"]
