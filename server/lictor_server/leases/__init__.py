"""Membership by leases: who is alive, because a server heard it not long ago (architecture, decision 7).

Two tables, pure: `KeptLeases` on every server holds the leases of the agents that renew there, `MemberTable` on the
leader knows which server vouches for whom. Between them go digests of what changed. Renewals are in no log; only what
follows from them, a node that failed or left, is written to the catalog, by the leader.
"""

from lictor_server.leases.digest import Answer, Digest, Refusal, Row, RowState
from lictor_server.leases.kept import KeptLeases, Standing
from lictor_server.leases.members import MemberTable, Note, NoteKind

__all__ = [
    "RENEWALS_PER_LEASE",
    "Answer",
    "Digest",
    "KeptLeases",
    "MemberTable",
    "Note",
    "NoteKind",
    "Refusal",
    "Row",
    "RowState",
    "Standing",
]

from lictor_server.leases.kept import RENEWALS_PER_LEASE
