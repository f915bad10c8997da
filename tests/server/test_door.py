"""The door: reads that wait, writes that wake, bounds, and the end."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import math
import tempfile
import time
from typing import BinaryIO

import pytest

from lictor_core import protocol
from lictor_core import topics as on
from lictor_core.archive import new_meta
from lictor_core.clock import SeededRng, SystemClock
from lictor_core.commands import (
    CAConfigurationSet,
    CASerialTake,
    Command,
    CommandBase,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVSet,
    ReadMode,
    RestoreAbandon,
    RestoreBegin,
    RestoreFinish,
    RestorePiece,
)
from lictor_core.errors import (
    BodyTooLargeError,
    FilterError,
    LictorError,
    MixedVersionsError,
    NoLeaderError,
    NotFoundError,
    OverloadedError,
    RequestError,
    UnknownDatacenterError,
)
from lictor_core.limits import KV_VALUE_BYTES_MAX
from lictor_core.protocol import PROTOCOL_MAX, Newer
from lictor_core.queries import (
    CARootsQuery,
    DatacentersQuery,
    IntentionQuery,
    KeyQuery,
    NodesQuery,
    ServiceHealthQuery,
    TreeQuery,
)
from lictor_core.records import CARoot, KVEntry, Node
from lictor_core.registry import Confirmation, Reading, ReadOptions, Registry
from lictor_server import Server
from lictor_server.backups import make_archive
from lictor_server.state import Store
from lictor_server.state.snapshot import take
from tests.server.build import check, intention, node, register, service
from tests.server.conftest import SETTINGS, Log

NOW = ReadOptions()
WEB = ServiceHealthQuery(service="web")
I1 = "aaaaaaaa-0000-4000-8000-000000000001"


def behind(index: int, *, wait_s: float = 30.0) -> ReadOptions:
    return ReadOptions(min_index=index, wait_s=wait_s)


async def settle(*tasks: asyncio.Task[Reading[KVEntry | None]]) -> None:
    """Let tasks run until they wait."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


def as_registry(server: Server) -> Registry:
    """The type checkers see to it that a server is one."""
    return server


@pytest.mark.parametrize("mode", list(ReadMode))
async def test_a_write_is_read_at_its_index_in_every_mode(server: Server, mode: ReadMode) -> None:
    outcome = await server.write(KVSet(key="a", value=b"1"))
    reading = await server.read(KeyQuery(key="a"), ReadOptions(mode=mode))
    assert reading.value is not None
    assert (reading.value.value, reading.index, reading.stamp) == (b"1", outcome.index, outcome.index)


async def test_missing_things_have_an_index_too(server: Server) -> None:
    assert (await server.read(KeyQuery(key="missing"), NOW)).index >= 1
    assert (await server.read(ServiceHealthQuery(service="missing"), NOW)).index >= 1


async def test_blocked_read_returns_with_the_change(server: Server) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    blocked = asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(first.index)))
    await settle(blocked)
    second = await server.write(KVSet(key="a", value=b"2"))
    reading = await asyncio.wait_for(blocked, 30)
    assert reading.index == second.index
    assert reading.value is not None
    assert reading.value.value == b"2"


async def test_blocked_read_of_a_missing_key_returns_when_it_comes(server: Server) -> None:
    missing = await server.read(KeyQuery(key="later"), NOW)
    blocked = asyncio.ensure_future(server.read(KeyQuery(key="later"), behind(missing.index)))
    await settle(blocked)
    await server.write(KVSet(key="later", value=b"1"))
    assert (await asyncio.wait_for(blocked, 30)).value is not None


async def test_blocked_read_returns_when_the_key_goes_with_a_larger_index(server: Server) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    blocked = asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(first.index)))
    await settle(blocked)
    await server.write(KVDelete(key="a"))
    reading = await asyncio.wait_for(blocked, 30)
    assert reading.value is None
    assert reading.index > first.index


async def test_read_with_an_old_index_answers_at_once(server: Server) -> None:
    await server.write(KVSet(key="a", value=b"1"))
    async with asyncio.timeout(30):
        await server.read(KeyQuery(key="a"), behind(1, wait_s=600))


async def test_time_is_up_with_the_same_index(server: Server) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    started = time.monotonic()
    reading = await server.read(KeyQuery(key="a"), behind(first.index, wait_s=0.1))
    assert reading.index == first.index
    assert 0.1 <= time.monotonic() - started < 2


@pytest.mark.parametrize("wait_s", [0.0, -1.0, math.nan])
async def test_no_time_to_wait_answers_at_once(server: Server, wait_s: float) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    async with asyncio.timeout(30):
        reading = await server.read(KeyQuery(key="a"), behind(first.index, wait_s=wait_s))
    assert reading.index == first.index


async def test_a_change_elsewhere_wakes_nobody(server: Server) -> None:
    first = await server.write(KVSet(key="app/a", value=b"1"))
    blocked = asyncio.ensure_future(server.read(TreeQuery(prefix="app/"), behind(first.index, wait_s=0.2)))
    for number in range(20):
        await server.write(KVSet(key=f"other/{number}", value=b"1"))
    reading = await blocked
    assert reading.index == first.index


async def test_ten_thousand_watchers_of_one_key_sleep_while_another_changes(server: Server) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    watchers = [asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(first.index))) for _ in range(10_000)]
    await settle(*watchers)
    started = time.process_time()
    for number in range(500):
        await server.write(KVSet(key="b", value=b"%d" % number))
    busy_s = time.process_time() - started
    assert not any(watcher.done() for watcher in watchers)
    assert busy_s < 2, f"500 writes beside 10,000 sleepers took {busy_s:.2f} s of the processor"
    last = await server.write(KVSet(key="a", value=b"2"))
    readings = await asyncio.wait_for(asyncio.gather(*watchers), 20)
    assert {reading.index for reading in readings} == {last.index}


async def test_output_of_a_check_changes_the_answer_and_wakes_nobody(server: Server) -> None:
    await server.write(register(node("n2"), service=service(), checks=[check(service_id="web", output="1 ms")]))
    first = await server.read(WEB, NOW)
    blocked = asyncio.ensure_future(server.read(WEB, behind(first.index, wait_s=0.1)))
    await asyncio.sleep(0)
    await server.write(register(node("n2"), service=service(), checks=[check(service_id="web", output="2 ms")]))
    assert server.reading_stamp(WEB) > first.stamp
    reading = await blocked
    assert reading.index == first.index
    assert reading.value[0].checks[0].output == "2 ms"


async def test_cancelled_blocked_read_leaves_no_trace(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, blocked_queries_max=1)
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    first = await server.write(KVSet(key="a", value=b"1"))
    for _ in range(3):
        blocked = asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(first.index)))
        await settle(blocked)
        with pytest.raises(OverloadedError):
            await server.read(KeyQuery(key="a"), behind(first.index))
        blocked.cancel()
        await asyncio.wait([blocked])
    await server.stop()


async def test_waiting_reads_and_later_ones_end_when_the_server_stops(server: Server) -> None:
    first = await server.write(KVSet(key="a", value=b"1"))
    blocked = asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(first.index)))
    await settle(blocked)
    await server.stop()
    with pytest.raises(NoLeaderError):
        await asyncio.wait_for(blocked, 30)
    for attempt in (server.read(NodesQuery(), NOW), server.write(KVSet(key="a", value=b"1"))):
        with pytest.raises(NoLeaderError):
            await attempt
    await server.stop()


async def test_another_datacenter_is_unknown(server: Server) -> None:
    with pytest.raises(UnknownDatacenterError, match="dc9"):
        await server.read(NodesQuery(), ReadOptions(datacenter="dc9"))
    assert (await server.read(DatacentersQuery(), ReadOptions(datacenter="DC1"))).value == ["dc1"]


async def test_too_large_values_are_refused(server: Server) -> None:
    await server.write(KVSet(key="a", value=b"x" * KV_VALUE_BYTES_MAX))
    with pytest.raises(BodyTooLargeError):
        await server.write(KVSet(key="a", value=b"x" * (KV_VALUE_BYTES_MAX + 1)))


@pytest.mark.parametrize(
    "command",
    [
        KVSet(key="", value=b"1"),
        KVSet(key="k" * 9000, value=b"1"),
        KVSet(key="a", value=b"1", flags=-1),
        KVDelete(key=""),
        CASerialTake(),
        register(node("")),
        register(node(address="")),
        register(node(id="nonsense")),
        register(service=service("", id="x")),
        register(service=service("p", proxy_for="web", port=0)),
        register(checks=[check("")]),
        IntentionSet(intention=intention("we*", "db", id=I1)),
        IntentionSet(intention=intention("web", "", id=I1)),
        IntentionSet(intention=intention("web", "db", id="")),
        KVSet(key="half a \udc80 character", value=b"1"),
        register(service=service(port=2**70)),
        CAConfigurationSet(provider="consul", config={}),
    ],
    ids=repr,
)
async def test_wrong_commands_never_reach_the_log(server: Server, command: Command) -> None:
    await server.read(NodesQuery(), NOW)
    before = (await server.leader_status()).applied_index
    with pytest.raises(RequestError):
        await server.write(command)
    assert (await server.leader_status()).applied_index == before


async def test_rejection_is_raised_as_the_error_it_names(server: Server) -> None:
    with pytest.raises(NotFoundError):
        await server.write(IntentionDelete(id=I1))


async def test_intention_is_stamped_by_the_leader(server: Server) -> None:
    await server.write(IntentionSet(intention=intention("web", "*", id=I1.upper())))
    stored = (await server.read(IntentionQuery(id=I1), NOW)).value
    assert stored is not None
    assert stored.precedence == 6
    assert stored.hash
    assert stored.created_at == stored.updated_at > "2026-01-02"


async def test_a_leader_with_an_address_of_ipv6_is_named_in_brackets(log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, advertise_address="2001:db8::1")
    server = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    try:
        await server.read(NodesQuery(), NOW)
        assert (await server.leader_status()).address == f"[2001:db8::1]:{server.server_port}"
    finally:
        await server.stop()


async def test_leader_status_names_this_server(server: Server) -> None:
    await server.read(NodesQuery(), NOW)
    status = await server.leader_status()
    assert status.is_self
    assert status.address == f"127.0.0.1:{server.server_port}"
    assert status.peers == (status.address,)
    assert status.applied_index == status.commit_index > 0


async def test_view_follows_writes_without_waiting(server: Server) -> None:
    await server.read(NodesQuery(), NOW)
    view = server.view()
    before = view.version, view.stamp([on.service("web")])
    await server.write(register(node("n9", address="192.0.2.5"), service=service(address="192.0.2.6")))
    assert view.version > before[0]
    assert view.stamp([on.service("WEB")]) > before[1]
    assert [row.node.node for row in view.service_health("Web")] == ["n9"]
    assert [one.name for one in view.holders_at("192.0.2.5").nodes] == ["n9"]
    assert [one.name for one in view.holders_at("192.0.2.6").services] == ["web"]
    found = view.node("N9")
    assert found is not None
    assert view.age_s == 0.0


async def test_view_does_not_change_version_with_keys(server: Server) -> None:
    await server.read(NodesQuery(), NOW)
    before = server.view().version
    await server.write(KVSet(key="a", value=b"1"))
    assert server.view().version == before


async def test_port_in_use_is_told_and_nothing_runs(server: Server, log: Log) -> None:
    settings = dataclasses.replace(SETTINGS, server_port=server.server_port)
    second = Server(settings, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


def garbage(command: Command) -> bytes:
    """Bytes that no server wrote."""
    return b"no command"


async def test_broken_log_ends_the_server_and_is_told(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    await server.start()
    await server.read(NodesQuery(), NOW)
    failed = asyncio.ensure_future(server.failed())
    monkeypatch.setattr("lictor_server.endpoints.writes.encode_proposal", garbage)
    with pytest.raises(LictorError):
        await server.write(KVSet(key="a", value=b"1"))
    with pytest.raises(RequestError, match=r"not a (command|proposal)"):
        await asyncio.wait_for(failed, 30)
    assert len(log.named("raft.core.failed")) == 1
    with pytest.raises(NoLeaderError):
        await server.read(NodesQuery(), NOW)
    await server.stop()


async def test_leader_that_cannot_do_its_duties_serves_no_more(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(SETTINGS, clock=SystemClock(), rng=SeededRng(1), log=log.logger)
    monkeypatch.setattr("lictor_server.leader.loop.reconcile_member", broken)
    await server.start()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(server.failed(), 30)
    assert len(log.named("server.duty.failed")) == 1
    with pytest.raises(NoLeaderError):
        await server.read(NodesQuery(), NOW)
    await server.stop()


def broken(name: object, member: object, catalog: object) -> object:
    """Stands for a mistake of ours."""
    raise ZeroDivisionError


async def test_failed_ends_quietly_when_the_server_is_stopped(server: Server) -> None:
    failed = asyncio.ensure_future(server.failed())
    await asyncio.sleep(0)
    await server.stop()
    await asyncio.wait_for(failed, 30)


async def test_a_restored_state_is_read_and_its_leader_begins_anew(server: Server, log: Log) -> None:
    await server.write(register(node("n9"), service=service("web")))
    await server.write(KVSet(key="a", value=b"saved"))
    state = await server.save_state(NOW)
    roots = (await server.read(CARootsQuery(), NOW)).value
    later = await server.write(KVSet(key="a", value=b"later"))
    await server.write(KVSet(key="b", value=b"later"))
    blocked = asyncio.ensure_future(server.read(KeyQuery(key="a"), behind(later.index)))
    await settle(blocked)
    await server.restore_state(state.archive)
    reading = await asyncio.wait_for(blocked, 30)
    assert reading.value is not None
    assert reading.value.value == b"saved"
    assert reading.index > later.index + 1
    assert (await server.read(KeyQuery(key="b"), NOW)).value is None
    assert (await server.read(CARootsQuery(), NOW)).value == roots
    assert (await server.write(KVSet(key="c", value=b"1"))).index > reading.index
    assert len(log.named("snapshot.archive.restored")) == 1


async def test_a_leader_with_the_state_of_another_cluster_makes_what_it_lacks(server: Server) -> None:
    """An empty state has neither a root to sign with nor this server's node."""
    await server.read(NodesQuery(), NOW)
    await server.restore_state(empty_archive())
    async with asyncio.timeout(30):
        nodes, index = list[Node](), 1
        while not nodes:
            reading = await server.read(NodesQuery(), behind(index))
            nodes, index = reading.value, reading.index
        roots, index = list[CARoot](), 1
        while not roots:
            trusted = await server.read(CARootsQuery(), behind(index))
            roots, index = trusted.value.roots, trusted.index
    assert [one.node for one in nodes] == [SETTINGS.node_name]


def empty_archive() -> BinaryIO:
    archive = io.BytesIO()
    meta = new_meta(id="empty", index=0, term=1, datacenter=SETTINGS.datacenter)
    make_archive(archive, meta, take(Store(SETTINGS.datacenter)), tempfile.TemporaryFile)
    return archive


async def test_another_datacenter_is_neither_saved_nor_restored(server: Server) -> None:
    with pytest.raises(UnknownDatacenterError):
        await server.save_state(ReadOptions(datacenter="elsewhere"))
    archive = empty_archive()
    with pytest.raises(UnknownDatacenterError):
        await server.restore_state(archive, datacenter="elsewhere")
    assert archive.closed


async def test_commands_of_a_restore_are_the_servers_own_business(server: Server) -> None:
    for command in (
        RestoreBegin(id="r", size=1, pieces=1, sha256=bytes(32)),
        RestorePiece(id="r", number=0, data=b"x"),
        RestoreFinish(id="r"),
        RestoreAbandon(id="r"),
    ):
        with pytest.raises(RequestError, match="own business"):
            await server.write(command)


async def test_a_wrong_filter_is_refused_before_the_read_waits(server: Server) -> None:
    wrong = NodesQuery(filter="Node = x")
    with pytest.raises(FilterError, match="character 6"):
        async with asyncio.timeout(10):
            await server.read(wrong, ReadOptions(min_index=2**40, wait_s=60))


async def test_a_filter_chooses_and_leaves_the_index(server: Server) -> None:
    for name in ("n1", "n2"):
        await server.write(register(node(name)))
    whole = await server.read(NodesQuery(), NOW)
    chosen = await server.read(NodesQuery(filter="Node == n2"), NOW)
    assert [one.node for one in chosen.value] == ["n2"]
    assert (chosen.index, chosen.stamp) == (whole.index, whole.stamp)


async def test_a_kept_answer_is_confirmed_by_its_stamp_once_the_server_is_as_fresh_as_asked(server: Server) -> None:
    await server.write(KVSet(key="a", value=b"1"))
    reading = await server.read(KeyQuery(key="a"), ReadOptions(mode=ReadMode.CONSISTENT))
    for mode in ReadMode:
        assert await server.confirm([KeyQuery(key="a")], mode) == Confirmation([reading.stamp])
    await server.write(KVSet(key="a", value=b"2"))
    confirmed = await server.confirm([KeyQuery(key="a")], ReadMode.CONSISTENT)
    assert confirmed is not None
    assert confirmed.stamps[0] > reading.stamp
    await server.stop()
    assert await server.confirm([KeyQuery(key="a")], ReadMode.CONSISTENT) is None


async def test_what_some_server_could_not_read_is_not_written_and_the_server_goes_on(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_flags(command: CommandBase) -> bool:
        return isinstance(command, KVSet) and command.flags > 0

    flagged = Newer(PROTOCOL_MAX + 1, "a key with flags", has_flags)
    monkeypatch.setattr(protocol, "NEWER", (flagged,))
    with pytest.raises(MixedVersionsError, match=r"a key with flags needs protocol .*upgrade or start n1"):
        await server.write(KVSet(key="a", value=b"1", flags=1))
    assert (await server.read(KeyQuery(key="a"), NOW)).value is None
    await server.write(KVSet(key="a", value=b"2"))
    monkeypatch.setattr(protocol, "NEWER", (flagged._replace(number=PROTOCOL_MAX),))
    await server.write(KVSet(key="a", value=b"3", flags=1))
