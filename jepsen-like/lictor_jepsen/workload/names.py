"""DNS: instances that come, change, ail and go in the catalog, and what names lead to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Final

from lictor_jepsen.checker import Finding
from lictor_jepsen.checker.names import CHANGES, MAX_STALE_MS, ROOM_MS, names
from lictor_jepsen.clients.base import HTTPClient, Refused, checked
from lictor_jepsen.dns import Found, ask
from lictor_jepsen.instances import catalog_registration, number_at, outside_node, port_of
from lictor_jepsen.op import Invocation, Kind, Op, Outcome, Value
from lictor_jepsen.workload.base import THREADS_PER_KEY, Client, House, Made, Needs, NoGuestError, Place, Turn, Workload

__all__ = ["Names"]

_LONGER: Final = 6
"""How many times as long as elsewhere a thread works on a key."""
_ANSWER_S_MAX: Final = 1.0
"""How long a question waits for its answer: shorter than answers may be old."""
_ANSWERS: Final = frozenset({"NOERROR", "NXDOMAIN"})


class Names(Workload):
    """Register and deregister in the catalog; ask for addresses and SRV records of services, and for nodes."""

    name = "names"
    about = "ask DNS for services and nodes while they come, change, ail and go"
    alone = ""
    makes = frozenset({Made.NODES})
    needs = Needs(settings={"dns_config": {"max_stale": f"{MAX_STALE_MS}ms"}}, dns=True)
    changes = CHANGES

    def __init__(self, max_stale_ms: int = MAX_STALE_MS) -> None:
        self._stale_ms = max_stale_ms + ROOM_MS

    def as_guest(self, house: House) -> Workload:
        """It must be said where DNS is asked, and how old an answer may be."""
        if not house.has_dns:
            raise NoGuestError('asks DNS: say dns = "10.0.0.11:8600" of each [[agent]], or [[server]] without agents')
        if house.dns_max_stale_ms is None:
            raise NoGuestError("judges how old answers are: say dns_max_stale_s, as dns_config.max_stale is there")
        return Names(house.dns_max_stale_ms)

    def key(self, thread: int, number: int, threads: int) -> str:
        """One service for longer than an answer may be old, at the usual rate: what is older must be noticed."""
        return super().key(thread, number // _LONGER, threads)

    def invocation(self, rng: Random, turn: Turn) -> Invocation:
        """Each thread has one instance of a service, on a node of its own; all ask for all."""
        asked = rng.choices(("put", "ail", "remove", "addresses", "servers", "node"), (22, 5, 8, 35, 20, 10))[0]
        how = "tcp" if rng.random() < 0.2 else "udp"
        match asked:
            case "put" | "ail":
                return Invocation(asked, turn.key, (turn.thread, turn.fresh))
            case "remove":
                return Invocation(asked, turn.key, turn.thread)
            case "node":
                groups = max(1, round(turn.threads / THREADS_PER_KEY))
                owner = rng.choice(range(turn.thread % groups, turn.threads, groups))
                return Invocation(asked, turn.key, (owner, how))
            case _:
                return Invocation(asked, turn.key, how)

    def client(self, place: Place) -> Client:
        """Asks its node over HTTP and DNS."""
        return _Asker(place)

    def last(self, keys: Sequence[str]) -> Sequence[Invocation]:
        """Ask for all services once more, by both transports."""
        return [
            Invocation(asked, key, how) for asked in ("addresses", "servers") for how in ("udp", "tcp") for key in keys
        ]

    def check(self, history: Sequence[Op]) -> Mapping[str, Finding]:
        """By `checker.names`."""
        return names(history, self._stale_ms)


class _Asker(HTTPClient):
    """Carries out the invocations of one thread."""

    reads = frozenset({"addresses", "servers", "node"})

    def __init__(self, place: Place) -> None:
        super().__init__(place.url)
        self._dns = place.cluster.dns(place.node)
        self._domain = place.cluster.domain

    async def do(self, asked: Invocation) -> Outcome:
        match asked.f, asked.value:
            case "put", (int() as thread, int() as number):
                await self._register(asked.key, thread, number, "passing")
            case "ail", (int() as thread, int() as number):
                await self._register(asked.key, thread, number, "critical")
            case "remove", int() as thread:
                id_ = _id(asked.key, thread)
                body = json.dumps({"Node": outside_node(id_), "ServiceID": id_})
                checked(await self.ask("PUT", "/v1/catalog/deregister", body))
            case "addresses", str() as how:
                return _seen(_addresses(await self._found(f"{asked.key}.service.{self._domain}", "A", how)))
            case "servers", str() as how:
                return _seen(_servers(await self._found(f"{asked.key}.service.{self._domain}", "SRV", how)))
            case "node", (int() as thread, str() as how):
                name = f"{outside_node(_id(asked.key, thread))}.node.{self._domain}"
                return _seen(_addresses(await self._found(name, "A", how)))
            case _:
                raise ValueError(f"nobody who asks for names knows how to do {asked}")
        return Outcome(Kind.OK, asked.value)

    async def _register(self, service: str, thread: int, number: int, status: str) -> None:
        body = catalog_registration(service, _id(service, thread), number, status)
        checked(await self.ask("PUT", "/v1/catalog/register", body))

    async def _found(self, name: str, kind: str, how: str) -> Found:
        over_tcp = how == "tcp"
        found = await ask(*self._dns, name, kind, over_tcp=over_tcp, timeout_s=_ANSWER_S_MAX)
        if found.code not in _ANSWERS:
            raise Refused(found.code, definite=True)
        return found


def _id(service: str, thread: int) -> str:
    return f"{service}-{thread}"


def _seen(answer: tuple[bool, Iterable[int | str]]) -> Outcome:
    is_cut, numbers = answer
    shown: Value = tuple(sorted(numbers, key=str))
    return Outcome(Kind.OK, (is_cut, shown))


def _addresses(found: Found) -> tuple[bool, list[int | str]]:
    """The numbers that the addresses of an answer tell; what is none of ours as it is."""
    return found.is_cut, [_number(record.data) for record in found.records if record.kind == "A"]


def _number(address: str) -> int | str:
    number = number_at(address)
    return address if number is None else number


def _servers(found: Found) -> tuple[bool, list[int | str]]:
    """The same of SRV records, by the addresses beside them. Addresses may be left out: then the answer was cut."""
    addresses = {record.name: record.data for record in found.beside if record.kind == "A"}
    numbers: list[int | str] = []
    is_cut = found.is_cut
    for record in found.records:
        port, target = record.data.split()[2:4]
        address = addresses.get(target.lower())
        if address is None:
            is_cut = True
            continue
        number = _number(address)
        is_whole = isinstance(number, int) and port_of(number) == int(port)
        numbers.append(number if is_whole else f"torn: {address}:{port}")
    return is_cut, numbers
