"""A run as a guest in a cluster that others started: only its clients and checkers, and fault commands of its owner.

**May enter:** what reads the owner's file, what runs its commands, and what undoes all that a run makes. **May not:**
anything that starts, ends or changes something that the owner did not name, or that cannot be undone.
"""

from lictor_jepsen.guest.file import ClusterFile, ClusterFileError, Command, read_cluster_file
from lictor_jepsen.guest.run import Visit, perform
from lictor_jepsen.guest.stay import Stay, script

__all__ = ["ClusterFile", "ClusterFileError", "Command", "Stay", "Visit", "perform", "read_cluster_file", "script"]
