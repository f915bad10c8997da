"""What is registered over HTTP, kept in the data directory so that it outlives the process.

What may enter: changes of the local state, and files of an earlier run, of this program or of Consul. What may not: the
servers, HTTP, the running of checks.
"""

from __future__ import annotations

from lictor_agent.persisted.defaults import SavedDefaults, recalled
from lictor_agent.persisted.keeper import Keeper
from lictor_agent.persisted.restoring import restore
from lictor_agent.persisted.shelf import Shelf

__all__ = ["Keeper", "SavedDefaults", "Shelf", "recalled", "restore"]
