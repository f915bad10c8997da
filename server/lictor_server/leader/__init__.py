"""What only the leader does: keep the catalog in step with the members, look after the servers, prepare the CA.

What may enter: decisions as pure functions from what is to commands, the loops that carry them out, and the answers
that only a leader can give. What may not: where the leader is, which `forward` knows.
"""

from lictor_server.leader.first_entries import FirstEntries
from lictor_server.leader.loop import LeaderLoop
from lictor_server.leader.member import check_member, server_member
from lictor_server.leader.membership import Membership
from lictor_server.leader.reconcile import reconcile
from lictor_server.leader.remembered import remembered_members
from lictor_server.leader.sessions import SessionKeeper
from lictor_server.leader.side import LeaderSide

__all__ = [
    "FirstEntries",
    "LeaderLoop",
    "LeaderSide",
    "Membership",
    "SessionKeeper",
    "check_member",
    "reconcile",
    "remembered_members",
    "server_member",
]
