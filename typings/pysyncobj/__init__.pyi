"""The part of pysyncobj 0.3.17 that lictor_server.raft.core uses, private names included (they are guarded there)."""

from pysyncobj.config import FAIL_REASON as FAIL_REASON
from pysyncobj.config import SyncObjConf as SyncObjConf
from pysyncobj.syncobj import SyncObj as SyncObj
