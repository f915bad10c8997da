"""Every number that Raft runs by, and the relations between them that must hold."""

from __future__ import annotations

import dataclasses
from typing import Final

from lictor_core.errors import ConfigurationError
from lictor_server.raft.messages import SNAPSHOT_CHUNK_BYTES_MAX
from lictor_server.raft.segments import SEGMENT_BYTES_MAX

__all__ = ["HEARTBEAT_S_MAX", "SNAPSHOT_WINDOW_MAX", "RaftSettings"]

HEARTBEAT_S_MAX: Final = 0.5
"""However patient servers are. A follower is known to be current twice as long ago, and its agents hear of that once a
second: together they must stay below the 2.5 s after which they take it for old."""
SNAPSHOT_WINDOW_MAX: Final = 32
"""What a receiver of a snapshot takes without having written it (`install.UNWRITTEN_MAX`)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RaftSettings:
    """Seconds, bytes and counts. `checked()` refuses a table that cannot work and says why."""

    tick_s: float = 0.02
    """How often time is looked at when nothing happens: elections and heartbeats are this exact."""
    heartbeat_s: float = 0.1
    """How often a leader speaks when it has nothing to say."""
    election_min_s: float = 0.5
    """The shortest silence after which a follower calls an election."""
    election_max_s: float = 1.0
    """The longest; each follower picks between the two, so that seldom two call at once."""
    leader_fallback_s: float = 1.0
    """A leader that a majority has not answered for so long steps down."""
    connection_timeout_s: float = 3.5
    """A silent connection counts as lost after this."""
    queue_max: int = 8192
    """Commands waiting to enter the log; one more is refused as overload."""
    apply_batch_max: int = 500
    """Entries applied in one pass of the event loop; the rest waits for the next, so that the loop never stalls."""
    batch_bytes: int = 256 * 1024
    """Entries sent to a follower in one message; a larger one is sent alone."""
    window_max: int = 16
    """Messages with entries under way to one follower without an answer."""
    log_entries_max: int = 4096
    """Applied entries that a server alone keeps in memory before it drops half of them."""
    log_memory_bytes: int = 32 * 1024 * 1024
    """What entries may take in memory; beyond it applied ones go, and who still needed them gets a snapshot."""
    segment_bytes_max: int = SEGMENT_BYTES_MAX
    """A file of the log that is this large is followed by another one."""
    snapshot_log_bytes: int = 64 * 1024 * 1024
    """After so much log a snapshot is made, and the log before it may go."""
    snapshot_trailing: int = 10_000
    """Entries before a snapshot that the log keeps, so that a short outage of another server needs no snapshot."""
    snapshot_chunk_bytes: int = 128 * 1024
    """Of a snapshot sent to another server in one message."""
    snapshot_window_max: int = 8
    """Such messages under way to one server without an answer."""
    write_timeout_s: float = 10.0
    """How long a write waits for its outcome; after that the outcome is unknown."""
    hold_s: float = 7.0
    """How long a request waits for a leader before it is told that there is none; Consul's `rpc_hold_timeout`."""

    def scaled(self, multiplier: float) -> RaftSettings:
        """This table for slower machines and networks: all that servers wait for one another, times `multiplier`.

        Consul's `raft_multiplier`. They speak no more seldom than `HEARTBEAT_S_MAX`, or than here if that is more.
        """
        return dataclasses.replace(
            self,
            heartbeat_s=min(self.heartbeat_s * multiplier, max(HEARTBEAT_S_MAX, self.heartbeat_s)),
            election_min_s=self.election_min_s * multiplier,
            election_max_s=self.election_max_s * multiplier,
            leader_fallback_s=self.leader_fallback_s * multiplier,
            connection_timeout_s=self.connection_timeout_s * multiplier,
        )

    def checked(self) -> RaftSettings:
        """This table, when its numbers fit together. Raises `ConfigurationError` with every relation that fails."""
        relations = {
            "tick_s must be below heartbeat_s, or heartbeats come late": self.tick_s < self.heartbeat_s,
            "election_min_s must be above 3 heartbeat_s, or one lost heartbeat deposes a leader": (
                self.election_min_s > 3 * self.heartbeat_s
            ),
            "election_max_s must be above election_min_s, or elections tie": self.election_max_s > self.election_min_s,
            "leader_fallback_s must be above heartbeat_s": self.leader_fallback_s > self.heartbeat_s,
            "connection_timeout_s must be at least election_max_s": self.connection_timeout_s >= self.election_max_s,
            "counts must be at least 1": (
                min(
                    self.queue_max,
                    self.batch_bytes,
                    self.apply_batch_max,
                    self.window_max,
                    self.log_entries_max,
                    self.segment_bytes_max,
                )
                >= 1
            ),
            "snapshot_log_bytes and log_memory_bytes must be at least 1 and snapshot_trailing at least 0": (
                min(self.snapshot_log_bytes, self.log_memory_bytes) >= 1 and self.snapshot_trailing >= 0
            ),
            f"snapshot_chunk_bytes must be at least 1 and at most {SNAPSHOT_CHUNK_BYTES_MAX}": (
                1 <= self.snapshot_chunk_bytes <= SNAPSHOT_CHUNK_BYTES_MAX
            ),
            f"snapshot_window_max must be at least 1 and at most {SNAPSHOT_WINDOW_MAX}": (
                1 <= self.snapshot_window_max <= SNAPSHOT_WINDOW_MAX
            ),
            "times must be above 0": min(self.tick_s, self.write_timeout_s) > 0 and self.hold_s >= 0,
        }
        failed = [reason for reason, holds in relations.items() if not holds]
        if failed:
            raise ConfigurationError("the Raft settings do not fit together: " + "; ".join(failed))
        return self
