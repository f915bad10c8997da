"""The planted bugs: which launcher plants each, and which run must find it how.

A row is a promise that `python -m tests.jepsen_like.planted` keeps many times over and the tests keep once. Rows stand
in the order of their names.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["BUGS", "Bug"]


class Bug(NamedTuple):
    """A deliberate fault in the product, and the run that must find it."""

    name: str
    about: str
    """What is wrong, and in what it would show, in one sentence."""
    launcher: str
    """A file beside this one, and its arguments, that starts the product with the bug."""
    workload: str
    nemesis: str
    """As for `--nemesis`: names separated by commas, or `none`."""
    findings: tuple[str, ...]
    """One of these findings at least must be invalid."""
    flags: tuple[str, ...] = ("--net=loopback",)
    """What else `run` is told; where servers live, for one."""
    seconds: float = 9.0
    """Of load: the time within which the bug is to be found."""
    seeds: int = 2
    """How many seeds a test tries before the bug counts as missed: a run is one order of events among very many."""
    twin: str = ""
    """A launcher that differs from the other by nothing but the bug; the product itself when empty."""
    spared: tuple[str, ...] = ()
    """Findings that must stay valid all the same: a bug that breaks one promise is not to be seen in the others."""

    @property
    def is_confined(self) -> bool:
        """Whether its run needs namespaces of its own."""
        return "--net=loopback" not in self.flags

    @property
    def run(self) -> str:
        """What is run, without the seed: what was found by another run says nothing of this one."""
        return " ".join((self.launcher, *self.run_flags(0)))

    def run_flags(self, seed: int) -> tuple[str, ...]:
        """The arguments of `run` behind the program."""
        return (
            f"--workload={self.workload}",
            f"--nemesis={self.nemesis}",
            f"--seconds={self.seconds:g}",
            f"--seed={seed}",
            *self.flags,
        )


BUGS: Final = (
    Bug(
        "condition read otherwise after an upgrade",
        "a new version counts the index in a condition otherwise, so it leaves out what the former wrote on one",
        "shifted_condition.py",
        workload="upgrade",
        nemesis="none",
        findings=("consistent", "default"),
        flags=("--net=loopback", "--from-commit=HEAD"),
        seconds=12.0,
    ),
    Bug(
        "deny acknowledged too early",
        "proxies hear of intentions a second late, and are said to judge by them at once",
        "eager_enforced.py",
        workload="intentions",
        nemesis="none",
        findings=("denied",),
        flags=("--net=loopback", "--nodes=1"),
        spared=("destination",),
    ),
    Bug(
        "deny not applied to live connections",
        "proxies refuse new connections, and leave those open that they had let in before",
        "live_stay.py",
        workload="intentions",
        nemesis="none",
        findings=("denied",),
        flags=("--net=loopback", "--nodes=1"),
        spared=("destination",),
    ),
    Bug(
        "deregistered comes back",
        "what is deregistered stays in the agent's data directory, and is back when the agent starts again",
        "forgotten_removals.py",
        workload="catalog",
        nemesis="kill-agent",
        findings=("agents",),
        flags=("--net=loopback", "--nodes=1", "--agents=2", "--rate=200"),
        seconds=12.0,
        seeds=6,
    ),
    Bug(
        "duplicate apply on retry",
        "a write whose answer was lost is sent again, and carried out again, for nobody looks at its id",
        "applied_twice.py --planted",
        workload="append",
        nemesis="none",
        findings=("consistent",),
        twin="applied_twice.py",
    ),
    Bug(
        "fencing token repeated",
        "a lock that changes hands keeps its LockIndex, so two holders have one fencing token",
        "same_token.py",
        workload="sessions",
        nemesis="none",
        findings=("fencing",),
        spared=("exclusion",),
    ),
    Bug(
        "index goes backwards",
        "of a key that was deleted the index is that of one that never was",
        "forgotten_graves.py",
        workload="blocking",
        nemesis="none",
        findings=("index",),
        flags=("--net=loopback",),
        seconds=15.0,
        seeds=3,
    ),
    Bug(
        "index reset at restore",
        "after a restore, indexes are those of the snapshot, as if they had not gone on since",
        "index_reset.py",
        workload="snapshot",
        nemesis="none",
        findings=("index",),
        spared=("consistent", "restored", "sessions"),
    ),
    Bug(
        "late registration",
        "some of what an agent told the catalog comes there once more, a second late, over what it told since",
        "late_registrations.py",
        workload="catalog",
        nemesis="none",
        findings=("consistent", "default"),
        flags=("--net=loopback", "--nodes=1", "--agents=2"),
        seconds=12.0,
        spared=("agents",),
    ),
    Bug(
        "local consistent reads",
        "default reads are answered from the server's own store, without asking who leads",
        "local_reads.py",
        workload="register",
        nemesis="kill-leader",
        findings=("default",),
        spared=("consistent",),
    ),
    Bug(
        "lock delay ignored",
        "a lock whose session ended can be had at once, before its former holder can know",
        "no_lock_delay.py",
        workload="sessions",
        nemesis="none",
        findings=("delay",),
        seeds=3,
        spared=("exclusion",),
    ),
    Bug(
        "log not synced",
        "entries are acknowledged when they are written, and a power cut takes them",
        "unsynced.py log",
        workload="append",
        nemesis="power-loss-all",
        findings=("consistent", "processes"),
        flags=("--nodes=1",),
    ),
    Bug(
        "lost truncation",
        "a follower keeps what the leader of an earlier term left in its log, where other entries belong",
        "kept_suffix.py",
        workload="append",
        nemesis="partition-leader",
        findings=("consistent", "default"),
        flags=(),
        seconds=25.0,
    ),
    Bug(
        "names not synced",
        "files are synced and their folders are not, so a power cut takes new files with all they held",
        "unsynced.py names",
        workload="append",
        nemesis="power-loss-all",
        findings=("consistent", "processes"),
        flags=("--nodes=1",),
    ),
    Bug(
        "no fsync",
        "the log is acknowledged before it is on the disk, and the disk forgets what was not synced",
        "lossy_disk.py --planted",
        workload="append",
        nemesis="kill-all",
        findings=("consistent",),
        flags=("--net=loopback", "--nodes=1"),
        seeds=5,
        twin="lossy_disk.py",
    ),
    Bug(
        "open locks",
        "whoever asks for a lock gets it, also when somebody else has it",
        "open_locks.py",
        workload="lock",
        nemesis="kill-agent",
        findings=("consistent",),
        flags=("--net=loopback", "--nodes=1", "--agents=2"),
    ),
    Bug(
        "removed server counts",
        "a candidate needs a majority of all who ever voted, also of those that left",
        "removed_counts.py",
        workload="membership",
        nemesis="none",
        findings=("quorum",),
        flags=("--net=loopback", "--nodes=5", "--agents=2"),
        seconds=25.0,
        spared=("consistent",),
    ),
    Bug(
        "replaced server is its old self",
        "a server that lost all data comes back with an old copy of it, under its old id",
        "old_self.py",
        workload="membership",
        nemesis="none",
        findings=("members",),
        flags=("--net=loopback", "--nodes=5", "--agents=2"),
        seconds=20.0,
    ),
    Bug(
        "root dropped at once at rotation",
        "a root that is followed by another one is trusted no more, though leaves that it signed live on",
        "root_dropped.py",
        workload="ca",
        nemesis="none",
        findings=("trusted", "unbroken"),
        flags=("--net=loopback", "--nodes=1"),
        spared=("serials", "active"),
    ),
    Bug(
        "session ended by the wall clock",
        "the leader counts TTLs by the wall clock, so a clock that is set ends sessions at once",
        "wall_clock_ttl.py",
        workload="sessions",
        nemesis="clock-jump,clock-drift",
        findings=("ttl", "exclusion", "semaphore"),
        seconds=25.0,
        seeds=2,
    ),
    Bug(
        "session ended too early",
        "the leader ends sessions after a fifth of their TTL",
        "short_ttl.py",
        workload="sessions",
        nemesis="none",
        findings=("ttl",),
    ),
    Bug(
        "stale view served as fresh",
        "what feeds a view of an agent hangs after a while, and the view passes for fresh",
        "frozen_views.py",
        workload="names",
        nemesis="none",
        findings=("services",),
        flags=("--net=loopback", "--nodes=1", "--agents=2"),
        seconds=14.0,
    ),
    Bug(
        "transaction applied in halves",
        "of a transaction that cannot be, what comes before its flaw is done all the same",
        "half_done.py",
        workload="txn",
        nemesis="none",
        findings=("consistent",),
    ),
    Bug(
        "vote not synced",
        "a vote is given before it is on the disk: after a power cut it is given again, and a term has two leaders",
        "unsynced.py vote",
        workload="register",
        nemesis="power-loss-voters",
        findings=("terms",),
        flags=(),
        seconds=30.0,
    ),
    Bug(
        "wake lost",
        "of every second command nobody who waits is told",
        "lost_wakes.py",
        workload="blocking",
        nemesis="none",
        findings=("woken",),
        flags=("--net=loopback",),
        seconds=15.0,
        seeds=3,
    ),
)
"""All of them, by name."""
