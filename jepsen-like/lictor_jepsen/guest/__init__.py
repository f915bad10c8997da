"""A run as a guest in a cluster that others started: only its clients and checkers, and fault commands of its owner.

**May enter:** what reads the owner's file, and what runs its commands. **May not:** anything that starts, ends or
changes something that the owner did not name.
"""

from lictor_jepsen.guest.file import ClusterFile, ClusterFileError, Command, read_cluster_file
from lictor_jepsen.guest.run import Stay, perform, script

__all__ = ["ClusterFile", "ClusterFileError", "Command", "Stay", "perform", "read_cluster_file", "script"]
