"""Seconds without writes after the leader is killed, beside the real Consul at raft_multiplier 1, in turns in one run.

Writers write to the two other servers all the time, one request after another on kept connections. Measured is from
the kill (SIGKILL) to the first answer that acknowledges a write which the dead leader cannot have acknowledged. Then
the killed server is started again with its data, and the next leader is killed once all three have caught up.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import statistics
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

from lictor_bench.report import Row, table
from lictor_bench.servers import Cluster, ServerProcess, consul, lictor, running

__all__ = ["KILLS", "Acknowledgement", "Writing", "after_a_kill", "main", "measure", "outage_s", "writing"]

KILLS: Final = 10
_WRITERS_PER_SERVER: Final = 2
_PAUSE_S: Final = 0.005
_REQUEST_S_MAX: Final = 15.0
_STEADY_S: Final = 1.5
"""Writes flow for so long before a kill: longer than any election's time-out."""
_OUTAGE_S_MAX: Final = 30.0
_IN_FLIGHT_S: Final = 0.1
"""What the dead leader acknowledged has arrived by then."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A write that was acknowledged; monotonic seconds."""

    began: float
    ended: float


def outage_s(killed_at: float, acknowledged: Sequence[Acknowledgement]) -> float | None:
    """From the kill to the first acknowledgement that cannot be the dead leader's; None when there is none."""
    later = (one.ended for one in acknowledged if one.began >= killed_at or one.ended >= killed_at + _IN_FLIGHT_S)
    first = min(later, default=None)
    return None if first is None else first - killed_at


def main() -> None:
    """Measure and print."""
    if consul() is None:
        print("outage: the real Consul is missing (PATH or LICTOR_CONSUL), so there are no ratios")
    print(table(f"Without writes after the leader is killed, {KILLS} kills each", measure()))


def measure() -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    programs = [program for program in (lictor(), consul()) if program is not None]
    found: list[list[float]] = [[] for _ in programs]
    with contextlib.ExitStack() as open_:
        clusters = [open_.enter_context(running(program)) for program in programs]
        for number in range(KILLS):
            for cluster, times in zip(clusters, found, strict=True):
                times.append(after_a_kill(cluster, phase=number / KILLS))
    return [
        Row("median", *_pair([statistics.median(times) for times in found]), "s", 1.0, smaller_is_better=True),
        Row("worst", *_pair([max(times) for times in found]), "s", smaller_is_better=True),
        Row("best", *_pair([min(times) for times in found]), "s", smaller_is_better=True),
    ]


def _pair(values: Sequence[float]) -> tuple[float, float | None]:
    return values[0], values[1] if len(values) > 1 else None


def after_a_kill(cluster: Cluster, *, phase: float) -> float:
    """One kill, and everybody back. `phase` of a tenth of a second moves it against the heartbeats."""
    leader = cluster.leader()
    survivors = [one for one in cluster.servers if one is not leader]
    with writing(survivors) as found:
        time.sleep(_STEADY_S + phase / 10)
        leader.kill()
        killed_at = time.monotonic()
        deadline = killed_at + _OUTAGE_S_MAX
        while (outage := outage_s(killed_at, tuple(found.acknowledged))) is None:
            if time.monotonic() >= deadline:
                raise RuntimeError(f"{cluster.program.name} took no write for {_OUTAGE_S_MAX:g} s; {found.refused}")
            time.sleep(_PAUSE_S)
    leader.start()
    _until_caught_up(cluster, survivors[0])
    return outage


def _until_caught_up(cluster: Cluster, witness: ServerProcess) -> None:
    """Until every server has, by itself, a key that is written now."""
    key, number = "/v1/kv/bench/caught-up", str(time.monotonic_ns()).encode()
    cluster.leader()
    connection = http.client.HTTPConnection("127.0.0.1", witness.ports["http"], timeout=_REQUEST_S_MAX)
    with contextlib.closing(connection):
        if _put(connection, key, number) != 200:
            raise RuntimeError(f"{witness.name} took no write after everybody was back")
    cluster.wait(
        lambda: all(one.get(f"{key}?raw&stale") == number for one in cluster.servers), "somebody has not caught up"
    )


@dataclass(slots=True)
class Writing:
    """What writers saw: acknowledgements, and the last reason why there was none."""

    acknowledged: list[Acknowledgement] = field(default_factory=list[Acknowledgement])
    refused: str = ""
    over: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def writing(servers: Sequence[ServerProcess]) -> Generator[Writing]:
    """Writers at `servers` while the block runs."""
    found = Writing()
    threads = [
        threading.Thread(target=_write, args=(server, number, found), daemon=True)
        for server in servers
        for number in range(_WRITERS_PER_SERVER)
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.over.set()
        for thread in threads:
            thread.join(2 * _REQUEST_S_MAX)


def _write(server: ServerProcess, number: int, found: Writing) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["http"], timeout=_REQUEST_S_MAX)
    for count in itertools.count():
        if found.over.wait(_PAUSE_S):
            break
        began = time.monotonic()
        try:
            status = _put(connection, f"/v1/kv/bench/{server.name[-1]}-{number}-{count % 100}", b"v" * 200)
        except (OSError, http.client.HTTPException) as error:
            found.refused = repr(error)
            connection.close()
            continue
        if status == 200:
            found.acknowledged.append(Acknowledgement(began, time.monotonic()))
        else:
            found.refused = f"{server.name} answered {status}"
    connection.close()


def _put(connection: http.client.HTTPConnection, path: str, body: bytes) -> int:
    connection.request("PUT", path, body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    main()
