"""The disks of the servers: where they are, and what they can be told to do wrong."""

from lictor_jepsen.disk.image import Loss
from lictor_jepsen.disk.obedient import DATA, DiskError, ObedientDisks, lacks_fuse
from lictor_jepsen.disk.orders import ALL, Answer, Behave, Flip, Lose, Order, Wipe
from lictor_jepsen.disk.places import SMALL_DISK_MIB, Disks, Folders, SmallDisks

__all__ = [
    "ALL",
    "DATA",
    "SMALL_DISK_MIB",
    "Answer",
    "Behave",
    "DiskError",
    "Disks",
    "Flip",
    "Folders",
    "Lose",
    "Loss",
    "ObedientDisks",
    "Order",
    "SmallDisks",
    "Wipe",
    "lacks_fuse",
]
