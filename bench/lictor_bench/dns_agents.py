"""DNS at a client agent in front of one server, beside Consul's pair on the same machine in the same run, by dnsperf.

Fifty services of ten instances, each asked for A and SRV; a thousand instances behind one name, SRV over TCP (by
`dns_stream_load`); the fifty again while fifty instances a second are registered anew at the server with another port.
Programs take turns, and the median of a few rounds counts. Beside each rate stands the processor time that the client
agent took for an answer, which a busy neighbour disturbs less. Then delays, both under the same load and each under as
much as it takes, and what is lost when each is asked half of what it can. `main` prints the table.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from lictor_bench.dev_agents import cpu_s
from lictor_bench.dns_load import question
from lictor_bench.dns_stream_load import StreamLoad
from lictor_bench.dnsperf import Load, Shape, program, run
from lictor_bench.pairs import Pair, every_pair, put
from lictor_bench.registering import Registering
from lictor_bench.report import Row, table
from lictor_dns.protocol import ID_BYTES

__all__ = ["main", "measure"]

_SERVICES: Final = 50
_INSTANCES: Final = 10
_MANY: Final = 1000
_NODES: Final = 100
_CHURN_PER_S: Final = 50
_ROUNDS: Final = 3
_MEASURE_S: Final = 3.0
_WARM_UP_S: Final = 1.0
_PORT: Final = 8600
_HERE_S_MAX: Final = 20.0
_TELLING: Final = 0.99
_STREAMS: Final = 16
_CHANGED_PORTS: Final = 20_000


class _Round(NamedTuple):
    """One program in one round: answers a second, microseconds of its agent's processor for one, registrations/s."""

    rate: float
    cost_us: float
    churn: float = 0.0


class _Bench:
    """The agents, and what they are asked."""

    def __init__(self, dnsperf: str, pairs: list[Pair], mixed: Path) -> None:
        self._dnsperf = dnsperf
        self._pairs = pairs
        self._mixed = mixed
        self._ports = itertools.cycle(range(_CHANGED_PORTS, 2 * _CHANGED_PORTS))

    def rows(self) -> list[Row]:
        """All figures."""
        mixed = f"A and SRV of {_SERVICES} services"
        plain = self._rounds(lambda pair: self._flood(pair, Shape()))
        edns = self._rounds(lambda pair: self._flood(pair, Shape(edns=True)))
        streams = self._rounds(self._streams)
        churned = self._rounds(self._churned)
        streams_churned = self._rounds(self._streams_churned)
        cases = (
            (mixed, plain, 20.0),
            ("the same, EDNS", edns, 20.0),
            (f"SRV of {_MANY} instances, TCP", streams, 10.0),
            (f"{mixed}, {_CHURN_PER_S} registrations/s", churned, 10.0),
            (f"SRV of {_MANY} instances, TCP, {_CHURN_PER_S} registrations/s of them", streams_churned, 10.0),
        )
        rates = [_row(name, [each.rate for each in figures], "/s", goal) for name, figures, goal in cases]
        costs = [
            _row(f"{name}: processor", [each.cost_us for each in figures], "us", smaller_is_better=True)
            for name, figures, _ in cases
        ]
        churn = [
            _row(f"registrations {where}", [each.churn for each in figures], "/s")
            for where, figures in (
                (f"of the {_SERVICES} services", churned),
                (f"of the {_MANY} instances", streams_churned),
            )
        ]
        peaks = [each.rate for each in plain]
        return [*rates, *costs, *churn, *self._delays(min(peaks) / 2), self._losses(peaks)]

    def _rounds(self, one: Callable[[Pair], _Round]) -> list[_Round]:
        """The median of each figure of each program, which take turns."""
        rounds = [[one(pair) for pair in self._pairs] for _ in range(_ROUNDS)]
        return [_Round(*map(statistics.median, zip(*runs, strict=True))) for runs in zip(*rounds, strict=True)]

    def _ask(self, pair: Pair, shape: Shape, seconds: float) -> Load:
        return run(self._dnsperf, pair.host, _PORT, self._mixed, seconds, shape)

    def _flood(self, pair: Pair, shape: Shape) -> _Round:
        self._ask(pair, shape, _WARM_UP_S)
        before_s = cpu_s(pair.pid)
        load = self._ask(pair, shape, _MEASURE_S)
        return _Round(load.rate, (cpu_s(pair.pid) - before_s) / load.answers * 1e6)

    def _another_port(self) -> int:
        """One that no instance has had for long: a registration that changes nothing would be for nothing."""
        return next(self._ports)

    def _churned(self, pair: Pair) -> _Round:
        def registration(number: int) -> bytes:
            service, instance = _service(number % _SERVICES), number // _SERVICES % _INSTANCES
            return _registration(service, instance, port=self._another_port())

        with Registering(pair.server, _CHURN_PER_S, registration) as registering:
            found = self._flood(pair, Shape())
        return found._replace(churn=registering.rate)

    def _streams_churned(self, pair: Pair) -> _Round:
        def registration(number: int) -> bytes:
            return _registration("many", number % _MANY, port=self._another_port())

        with Registering(pair.server, _CHURN_PER_S, registration) as registering:
            found = self._streams(pair)
        return found._replace(churn=registering.rate)

    def _streams(self, pair: Pair) -> _Round:
        _stream_load(pair, _WARM_UP_S)
        before_s = cpu_s(pair.pid)
        load = _stream_load(pair, _MEASURE_S)
        if load.records_min < _MANY:
            raise RuntimeError(f"{pair.name} gave {load.records_min} of {_MANY} instances: no rate")
        return _Round(load.answers / load.seconds, (cpu_s(pair.pid) - before_s) / load.answers * 1e6)

    def _delays(self, rate: float) -> list[Row]:
        rows: list[Row] = []
        for name, shape in (
            (f"p99, both at {rate:,.0f} questions a second", Shape(rate=int(rate), each=True)),
            ("p99 under full load", Shape(each=True)),
        ):
            rounds = [
                [self._ask(pair, shape, _MEASURE_S).delay_s(_TELLING) for pair in self._pairs] for _ in range(_ROUNDS)
            ]
            medians = [statistics.median(runs) * 1000 for runs in zip(*rounds, strict=True)]
            rows.append(_row(name, medians, "ms", 1.0, smaller_is_better=True))
        return rows

    def _losses(self, peaks: list[float]) -> Row:
        lost = [
            float(self._ask(pair, Shape(rate=int(peak / 2)), _ROUNDS * _MEASURE_S).lost)
            for pair, peak in zip(self._pairs, peaks, strict=True)
        ]
        return _row("lost at half of its own peak", lost, "")


def main() -> None:
    """Measure and print."""
    dnsperf = program()
    if dnsperf is None:
        print("dns_agents: dnsperf is missing, so nothing was measured: install it (Debian: dnsperf) and run again")
        return
    print(table("DNS at a client agent, one server behind it", measure(dnsperf)))


def measure(dnsperf: str) -> list[Row]:
    """The figures of both; only ours without the real Consul."""
    names = [f"{_service(number)}.service.consul" for number in range(_SERVICES)]
    with every_pair() as pairs, tempfile.TemporaryDirectory() as directory:
        mixed = Path(directory) / "mixed"
        mixed.write_text("".join(f"{name} A\n{name} SRV\n" for name in names))
        for pair in pairs:
            _register(pair)
            _until_found(pair, [*names, "many.service.consul"])
        return _Bench(dnsperf, pairs, mixed).rows()


def _row(
    name: str, figures: list[float], unit: str, goal: float | None = None, *, smaller_is_better: bool = False
) -> Row:
    peer = figures[1] if len(figures) > 1 else None
    return Row(name, figures[0], peer, unit, goal, smaller_is_better=smaller_is_better)


def _stream_load(pair: Pair, seconds: float) -> StreamLoad:
    command = [sys.executable, "-m", "lictor_bench.dns_stream_load", pair.host, str(_PORT), str(seconds)]
    command += [str(_STREAMS), "many.service.consul/SRV"]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60).stdout
    return StreamLoad(**json.loads(output))


def _service(number: int) -> str:
    return f"service-{number}"


def _register(pair: Pair) -> None:
    wanted = [(_service(number), _INSTANCES) for number in range(_SERVICES)] + [("many", _MANY)]
    for service, count in wanted:
        for number in range(count):
            put(f"http://{pair.server}:8500/v1/catalog/register", _registration(service, number, port=8000 + number))


def _registration(service: str, number: int, *, port: int) -> bytes:
    instance, node = f"{service}-{number}", number % _NODES
    registration = {
        "Node": f"node-{node}",
        "Address": f"192.0.2.{node + 1}",
        "NodeMeta": {"rack": f"r{node}"},
        "Service": {"ID": instance, "Service": service, "Tags": ["primary"], "Port": port},
        "Checks": [{"CheckID": instance, "Name": "alive", "Status": "passing", "ServiceID": instance}],
    }
    return json.dumps(registration).encode()


def _until_found(pair: Pair, names: Iterable[str]) -> None:
    """Ask until every name has answers: a rate of empty ones would say nothing. Raises `RuntimeError` at the end."""
    deadline = time.monotonic() + _HERE_S_MAX
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.connect((pair.host, _PORT))
        for name in names:
            while not _is_found(asking, name):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{pair.name} does not find {name} within {_HERE_S_MAX} s")


def _is_found(asking: socket.socket, name: str) -> bool:
    asked = question(name, "SRV", 0)
    asking.send(asked)
    with contextlib.suppress(TimeoutError):
        answer = asking.recv(65536)
        return answer[:ID_BYTES] == asked[:ID_BYTES] and int.from_bytes(answer[6:8], "big") > 0  # RFC 1035, 4.1.1
    return False


if __name__ == "__main__":
    main()
