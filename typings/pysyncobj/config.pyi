from collections.abc import Callable

class FAIL_REASON:
    SUCCESS: int
    QUEUE_FULL: int
    MISSING_LEADER: int
    DISCARDED: int
    NOT_LEADER: int
    LEADER_CHANGED: int
    REQUEST_DENIED: int
    UNKNOWN_OUTCOME: int

class SyncObjConf:
    def __init__(
        self,
        *,
        autoTick: bool = ...,
        commandsQueueSize: int = ...,
        raftMinTimeout: float = ...,
        raftMaxTimeout: float = ...,
        appendEntriesPeriod: float = ...,
        connectionTimeout: float = ...,
        leaderFallbackTimeout: float = ...,
        appendEntriesUseBatch: bool = ...,
        appendEntriesBatchSizeBytes: int = ...,
        logCompactionMinEntries: int = ...,
        logCompactionMinTime: float = ...,
        commandsWaitLeader: bool = ...,
        journalFile: object = ...,
        onStateChanged: Callable[[int, int], None] | None = ...,
        dynamicMembershipChange: bool = ...,
        useFork: bool = ...,
    ) -> None: ...
