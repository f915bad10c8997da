"""What only the leader does: keep the catalog in step with the members, look after the servers, prepare the CA.

What may enter: decisions as pure functions from what is to commands, and the loop that carries them out. What may not:
requests of clients.
"""

from lictor_server.leader.loop import LeaderLoop
from lictor_server.leader.member import check_member, server_member
from lictor_server.leader.membership import Membership
from lictor_server.leader.reconcile import reconcile

__all__ = ["LeaderLoop", "Membership", "check_member", "reconcile", "server_member"]
