"""How servers find one another: introductions, who is where, and the founding of a cluster.

What may enter: cards of servers, the directory, founding (all pure), and the loop that introduces. What may not: what
the log says, which is `raft`'s; who is promoted or removed, which is `leader`'s.
"""

from lictor_server.cluster.cards import Introduction, Promise, ServerCard
from lictor_server.cluster.directory import Directory
from lictor_server.cluster.founding import Founding
from lictor_server.cluster.meeting import Meeting, MeetingSettings

__all__ = ["Directory", "Founding", "Introduction", "Meeting", "MeetingSettings", "Promise", "ServerCard"]
