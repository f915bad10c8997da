"""What clients ask of a cluster: one module for each subject, and the table of all."""

from collections.abc import Mapping
from typing import Final

from lictor_jepsen.workload.base import Client, House, Made, Needs, NoGuestError, Place, Turn, Workload
from lictor_jepsen.workload.blocking import Blocking
from lictor_jepsen.workload.ca import CA
from lictor_jepsen.workload.catalog import Catalog
from lictor_jepsen.workload.intentions import Intentions
from lictor_jepsen.workload.kv import Append, CompareAndSet, GrowSet, Lock, Register
from lictor_jepsen.workload.membership import Membership
from lictor_jepsen.workload.names import Names
from lictor_jepsen.workload.sessions import Sessions
from lictor_jepsen.workload.snapshot import Snapshot
from lictor_jepsen.workload.txn import Transactions
from lictor_jepsen.workload.upgrade import Upgrade

__all__ = ["WORKLOADS", "Client", "House", "Made", "Needs", "NoGuestError", "Place", "Turn", "Workload"]

_ALL: Final[tuple[Workload, ...]] = (
    Register(),
    CompareAndSet(),
    Append(),
    GrowSet(),
    Lock(),
    Transactions(),
    Catalog(),
    Blocking(),
    Names(),
    Sessions(),
    Membership(),
    Snapshot(),
    Upgrade(),
    Intentions(),
    CA(),
)
WORKLOADS: Final[Mapping[str, Workload]] = {workload.name: workload for workload in _ALL}
"""The workloads by name."""
