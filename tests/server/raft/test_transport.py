"""Links between servers over real sockets, and every way in which they end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from lictor_core.errors import PeerError
from lictor_core.protocol import OWN, Spoken
from lictor_server.raft import transport
from lictor_server.raft.accepted import Accepted
from lictor_server.raft.dialed import LINK_BYTES_MAX
from lictor_server.raft.framing import MESSAGE_BYTES_MAX, framed
from lictor_server.raft.hello import PREAMBLE, LinkIdentity, RefusalCode, answer_bytes, greeting_bytes
from lictor_server.raft.wire import Message
from lictor_server.sockets import SILENCE_MAX_S
from tests.server.raft.links import End, called, hello_to, running, taken, uuid_of
from tests.support.conditions import eventually
from tests.support.ports import free_port

HEARTBEAT: Message = {"type": "heard", "term": 3, "seq": 7}
ENTRIES: Message = {"type": "append_entries", "term": 3, "entries": ((b"\x00command", 8, 3), (b"\x01", 9, 3))}


async def pair(stack: AsyncExitStack) -> tuple[End, End]:
    """Two servers that know each other and are connected."""
    one, two = await stack.enter_async_context(running(1)), await stack.enter_async_context(running(2))
    one.peers(two)
    two.peers(one)
    await one.until_connected(two)
    await two.until_connected(one)
    return one, two


# Messages.


async def test_messages_arrive_in_order_and_in_both_directions() -> None:
    async with AsyncExitStack() as stack:
        one, two = await pair(stack)
        for seq in range(100):
            assert one.links.send(two.id, HEARTBEAT | {"seq": seq})
        assert two.links.send(one.id, ENTRIES)
        await eventually(lambda: len(two.heard) == 100 and len(one.heard) == 1, what="every message")
        assert [(id, message["seq"]) for id, message in two.heard] == [(one.id, seq) for seq in range(100)]
        assert one.heard == [(two.id, ENTRIES | {"entries": [[b"\x00command", 8, 3], [b"\x01", 9, 3]]})]
        assert (one.connected, one.callers) == ([two.id], [(two.id, "name-5c1e2f30", two.address)])


async def test_a_message_of_the_largest_batch_arrives() -> None:
    async with AsyncExitStack() as stack:
        one, two = await pair(stack)
        command = bytes(MESSAGE_BYTES_MAX // 2)
        assert one.links.send(two.id, {"entries": ((command, 8, 3),)})
        await eventually(lambda: two.heard != [], what="the message")
        assert two.heard == [(one.id, {"entries": [[command, 8, 3]]})]


async def test_what_has_no_connection_is_not_sent() -> None:
    async with running(1) as one, running(2) as two:
        assert not one.links.send(two.id, HEARTBEAT)
        one.peers(two)
        assert not one.links.send(two.id, HEARTBEAT)
        await one.until_connected(two)
        assert one.links.send(two.id, HEARTBEAT)
        one.peers()
        assert not one.links.send(two.id, HEARTBEAT)
        assert one.disconnected == [two.id]


# Who is dialed.


async def test_who_calls_and_is_not_listed_is_answered_for_as_long_as_it_calls() -> None:
    async with running(1) as one, running(2) as two:
        one.peers(two)
        await two.until_connected(one)
        assert two.links.send(one.id, HEARTBEAT)
        await eventually(lambda: one.heard == [(two.id, HEARTBEAT)], what="the answer")
        two.peers()
        assert one.id in two.links.connected
        one.peers()
        await eventually(lambda: not one.links.connected and not two.links.connected, what="the end of both")


async def test_a_guest_that_is_listed_stays_when_its_call_ends() -> None:
    async with running(1) as one, running(2) as two:
        one.peers(two)
        await two.until_connected(one)
        two.peers(one)
        one.peers()
        await one.until_connected(two)  # since it is called by a server that lists it
        await two.until_connected(one)


async def test_guests_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "GUESTS_MAX", 1)
    async with running(1) as end:
        first = await taken(end, 8, address="127.0.0.1:1")
        second = await called(end, greeting_bytes(hello_to(end, 9, address="127.0.0.1:1")))
        assert (await second.answer()).code == RefusalCode.FULL
        await second.until_closed()
        first.close()
        second.close()


async def test_accepted_connections_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CALLERS_MAX", 1)
    async with running(1) as end:
        first = await taken(end, 8)
        second = await called(end, greeting_bytes(hello_to(end, 9)))
        assert (await second.answer()).code == RefusalCode.FULL
        first.close()
        await eventually(lambda: not end.links._callers, what="its end")  # pyright: ignore[reportPrivateUsage]
        (await taken(end, 9)).close()
        second.close()


# Connections that end, and new ones.


async def test_a_server_that_comes_back_is_connected_again() -> None:
    port = free_port()
    async with running(1) as one:
        for _ in range(2):
            async with running(2, port=port) as two:
                one.peers(two)
                await one.until_connected(two)
                assert one.links.send(two.id, HEARTBEAT)
                await eventually(lambda two=two: two.heard != [], what="a message")  # type: ignore[misc]
            await eventually(lambda: not one.links.connected, what="its loss")
        assert one.connected == [uuid_of(2)] * 2
        assert one.disconnected == [uuid_of(2)] * 2


async def test_a_process_that_ends_and_one_that_is_not_there_are_told_as_ended() -> None:
    port = free_port()
    async with running(1) as one:
        async with running(2, port=port) as two:
            one.peers(two)
            await one.until_connected(two)
            assert one.ended == []
        await eventually(lambda: len(one.ended) > 1, what="its end, and that nobody listens there")
        assert set(one.ended) == {uuid_of(2)}


async def test_a_connection_that_is_given_up_here_is_no_end_of_the_other_server() -> None:
    async with AsyncExitStack() as stack:
        one, two = await pair(stack)
        one.links.set_peers({two.id: f"localhost:{two.listener.port}"})
        await eventually(lambda: one.connected == [two.id] * 2, what="a connection to the other address")
        assert (one.disconnected, one.ended) == ([two.id], [])


async def test_a_newer_connection_takes_the_place_of_the_older_of_which_nothing_is_heard() -> None:
    async with running(1) as end:
        older = await taken(end, incarnation="a")
        older.send(HEARTBEAT | {"seq": 1})
        await eventually(lambda: len(end.heard) == 1, what="the first message")
        newer = await taken(end, incarnation="b")
        newer.send(HEARTBEAT | {"seq": 2})
        older.send(HEARTBEAT | {"seq": 3})
        await eventually(lambda: len(end.heard) == 2, what="the second message")
        await older.until_closed()
        assert [message["seq"] for _, message in end.heard] == [1, 2]
        newer.close()
        older.close()


async def test_what_the_older_connection_said_before_it_was_closed_is_dropped() -> None:
    async with running(1) as end:
        caller = await taken(end)
        older = Accepted(end.links, None, 1.0)
        older.hello = hello_to(end)
        end.links.take(older, HEARTBEAT | {"seq": 99})
        caller.send(HEARTBEAT)
        await eventually(lambda: end.heard != [], what="the message of the newer")
        assert end.heard == [(uuid_of(9), HEARTBEAT)]
        caller.close()


async def test_a_message_that_is_refused_closes_its_connection_with_one_event() -> None:
    async with running(1) as end:

        def refuse(id: str, message: Message) -> None:
            raise PeerError("no such message")

        end.on_message = refuse
        caller = await taken(end)
        caller.send(HEARTBEAT)
        caller.send(HEARTBEAT)
        await caller.until_closed()
        await eventually(lambda: end.log.named("raft.link.broken") != [], what="the event")
        (event,) = end.log.named("raft.link.broken")
        assert (event["id"], event["reason"], len(end.heard)) == (uuid_of(9), "no such message", 1)
        caller.close()


@pytest.mark.parametrize(
    "said",
    [b"\xff\xff\xff\xff", framed(b"\xc1"), framed(b"\x90"), framed(b"\x81\x01\x01")],
    ids=["a huge message", "no msgpack", "a list", "numbers for keys"],
)
async def test_bytes_that_are_no_message_close_the_connection_with_one_event(said: bytes) -> None:
    async with running(1) as end:
        caller = await taken(end)
        caller.writer.write(said)
        await caller.until_closed()
        await eventually(lambda: end.log.named("raft.link.broken") != [], what="the event")
        assert len(end.log.named("raft.link.broken")) == 1
        assert end.heard == []
        caller.close()


@pytest.mark.parametrize(
    "said",
    [b"Lictor-Raft 2\n", b"LLLLLLLLLLLLLLLLLLLLL", PREAMBLE + b"\xff\xff\xff\xff", PREAMBLE + framed(b"\xc1")],
    ids=["version 2", "no preamble", "a huge hello", "no msgpack"],
)
async def test_bytes_that_are_no_hello_are_refused_with_one_event(said: bytes) -> None:
    async with running(1) as end:
        caller = await called(end, said)
        assert (await caller.answer()).code in (RefusalCode.MALFORMED, RefusalCode.VERSION)
        await caller.until_closed()
        assert len(end.log.named("raft.link.refused")) == 1
        caller.close()


async def test_who_begins_and_says_no_hello_is_closed() -> None:
    async with running(1) as end:
        caller = await called(end, PREAMBLE)
        await caller.until_closed()
        await eventually(lambda: end.log.named("raft.link.broken") != [], what="the event")
        assert "no hello within" in end.log.named("raft.link.broken")[0]["reason"]
        caller.close()


async def test_a_silent_machine_is_noticed_by_the_kernel_at_both_ends() -> None:
    # What is asked of the kernel; that it keeps its word is seen where a test has a network of its own to cut.
    async with AsyncExitStack() as stack:
        one, _ = await pair(stack)
        ends = [caller._transport for caller in one.links._callers]  # pyright: ignore[reportPrivateUsage]
        ends += [
            peer.link._transport  # pyright: ignore[reportPrivateUsage]
            for peer in one.links._peers.values()  # pyright: ignore[reportPrivateUsage]
            if peer.link is not None
        ]
        assert len(ends) == 2
        for end in ends:
            assert end is not None
            sock: socket.socket = end.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == SILENCE_MAX_S * 1000
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


async def test_after_the_stop_nobody_is_dialed_taken_or_told() -> None:
    async with AsyncExitStack() as stack:
        one, two = await pair(stack)
        caller = await taken(one)
        await one.links.stop()
        await caller.until_closed()
        assert not one.links.send(two.id, HEARTBEAT)
        assert one.disconnected == []
        one.links.set_peers({two.id: two.address, uuid_of(5): two.address})
        late = await called(one, greeting_bytes(hello_to(one, 8)))
        assert (await late.answer()).code == RefusalCode.FULL
        late.close()
        caller.close()


# A server that accepts, answers, and reads no more.


@asynccontextmanager
async def deaf(id: str) -> AsyncGenerator[tuple[str, asyncio.Event]]:
    """The address of a server that reads on only when its event is set."""
    reads = asyncio.Event()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\n")
        length = int.from_bytes(await reader.readexactly(4), "big")
        await reader.readexactly(length)
        writer.write(answer_bytes(LinkIdentity("dc1", id, "", ""), None))
        await reads.wait()
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024 * 1024):
                pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=4096)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", reads
    finally:
        reads.set()
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


async def test_what_a_server_does_not_read_is_bounded_and_goes_on_when_it_reads() -> None:
    async with running(1) as one, deaf(uuid_of(2)) as (address, reads):
        one.links.set_peers({uuid_of(2): address})
        await eventually(lambda: uuid_of(2) in one.links.connected, what="a connection")
        message: Message = {"entries": ((bytes(100_000), 8, 3),)}

        async def filled() -> int:
            sent = 0
            for _ in range(20):
                while one.links.send(uuid_of(2), message):
                    sent += 1
                await asyncio.sleep(0.02)
            return sent

        sent = await filled()
        # The kernels at both ends hold a few megabytes of their own on loopback.
        assert LINK_BYTES_MAX * 0.9 <= sent * 100_000 <= LINK_BYTES_MAX + 16 * 1024 * 1024
        reads.set()
        await eventually(lambda: one.links.send(uuid_of(2), message), what="room")
        assert one.disconnected == []


async def test_who_takes_the_connection_and_does_not_answer_is_given_up_and_dialed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lictor_server.raft.dialed.HELLO_TIMEOUT_S", 0.1)
    dialed = 0

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal dialed
        dialed += 1
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with running(1) as one:
        one.links.set_peers({uuid_of(2): f"127.0.0.1:{server.sockets[0].getsockname()[1]}"})
        await eventually(lambda: dialed >= 2, what="a second attempt")
        assert one.connected == []
        assert len(one.log.named("raft.dial.failed")) == 1
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", framed(b"\xc1"), b"\x00\x00\x00\x01\x90"],
    ids=["nothing", "HTTP", "no msgpack", "an RPC frame"],
)
async def test_what_answers_as_no_server_is_not_connected(said: bytes) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n")
        writer.write(said)
        writer.close()

    server = await asyncio.start_server(other, "127.0.0.1", 0)
    async with running(1) as one:
        one.links.set_peers({uuid_of(2): f"127.0.0.1:{server.sockets[0].getsockname()[1]}"})
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="the event")
        assert one.connected == []
    server.close()
    await server.wait_closed()


async def test_an_acceptor_that_speaks_after_its_answer_is_cut_off() -> None:
    async with running(1) as one, deaf(uuid_of(2)) as (address, _):
        one.links.set_peers({uuid_of(2): address})
        await eventually(lambda: uuid_of(2) in one.links.connected, what="a connection")
        (peer,) = one.links._peers.values()  # pyright: ignore[reportPrivateUsage]
        assert peer.link is not None
        peer.link.data_received(b"more")
        await eventually(lambda: one.log.named("raft.link.lost") != [], what="the event")
        assert "more than its answer" in one.log.named("raft.link.lost")[0]["reason"]


# Addresses.


async def test_a_listed_server_is_dialed_where_it_calls_from_when_it_is_not_where_it_was_listed() -> None:
    async with running(1) as one, running(2) as two:
        one.links.set_peers({two.id: f"127.0.0.1:{free_port()}"})
        await eventually(lambda: one.log.named("raft.dial.failed") != [], what="a failure")
        two.peers(one)
        await one.until_connected(two)
        assert one.callers == [(two.id, "name-5c1e2f30", two.address)]


async def test_a_new_address_is_dialed_at_once() -> None:
    async with running(1) as one, running(2) as two, running(2, seed=7) as moved:
        one.peers(two)
        await one.until_connected(two)
        one.peers(moved)
        await eventually(lambda: len(one.connected) == 2, what="a connection to the new address")
        assert one.links.send(two.id, HEARTBEAT)
        await eventually(lambda: moved.heard != [], what="the message")
        assert two.heard == []


@pytest.mark.parametrize("address", ["", ":", "a..b:8300", "x" * 300])
async def test_a_server_with_no_address_is_not_reached_until_it_has_one(address: str) -> None:
    async with running(1) as one, running(2) as two:
        one.links.set_peers({two.id: address})
        caller = await taken(one, 3, address=address)
        if address:
            await eventually(lambda: len(one.log.named("raft.dial.failed")) == 2, what="two failures")
        one.links.set_peers({two.id: two.address})
        await one.until_connected(two)
        assert one.log.named("raft.dialer.crashed") == []
        caller.close()


async def test_where_somebody_else_listens_is_told() -> None:
    async with running(1) as one, running(2) as two:
        one.links.set_peers({uuid_of(3): two.address})
        await eventually(lambda: one.strangers != [], what="the news")
        assert one.strangers[0] == (uuid_of(3), two.id, two.address)
        assert one.connected == []
        assert two.log.named("raft.link.refused")[0]["code"] == "stranger"


async def test_the_own_address_under_another_id_is_a_stranger_and_no_twin() -> None:
    async with running(1) as one:
        one.links.set_peers({uuid_of(3): one.address})
        await eventually(lambda: one.strangers != [], what="the news")
        assert one.strangers[0] == (uuid_of(3), one.id, one.address)
        assert one.log.named("raft.identity.doubled") == []


# Who belongs here.


async def test_servers_of_other_clusters_and_datacenters_are_refused_by_both_ends() -> None:
    async with (
        running(1, cluster_id="a") as one,
        running(2, cluster_id="b") as two,
        running(3, datacenter="dc2") as three,
    ):
        one.peers(two, three)
        await eventually(lambda: len(one.log.named("raft.dial.failed")) == 2, what="both refusals")
        assert one.connected == []
        assert {end.log.named("raft.link.refused")[0]["code"] for end in (two, three)} == {"cluster", "datacenter"}


async def test_two_processes_with_one_id_are_told_loudly_at_both_ends() -> None:
    async with running(1) as one, running(1, seed=7) as copy, running(2) as two:
        two.peers(one)
        copy.links.set_peers({two.id: two.address})
        one.links.set_peers({two.id: two.address})
        twin_caller = await called(one, greeting_bytes(hello_to(one, 1)))
        assert (await twin_caller.answer()).code == RefusalCode.SAME_ID
        assert one.log.named("raft.identity.doubled")[0]["log_level"] == "error"
        twin_caller.close()


async def test_a_process_that_calls_again_after_its_successor_is_a_twin() -> None:
    async with running(1) as end:
        first = await taken(end, incarnation="a")
        second = await taken(end, incarnation="b")
        again = await called(end, greeting_bytes(hello_to(end, incarnation="a")))
        assert (await again.answer()).code == RefusalCode.SAME_ID
        assert len(end.log.named("raft.identity.doubled")) == 1
        second.send(HEARTBEAT)
        await eventually(lambda: end.heard != [], what="a message of the one that stays")
        for caller in (first, second, again):
            caller.close()


async def test_one_that_calls_again_and_again_is_no_twin() -> None:
    async with running(1) as end:
        callers = [await taken(end) for _ in range(3)]
        assert end.log.named("raft.identity.doubled") == []
        for caller in callers:
            caller.close()


async def test_when_a_server_joins_a_cluster_its_links_begin_anew() -> None:
    async with running(1) as one, running(2, cluster_id="a") as two, running(3, cluster_id="b") as three:
        one.peers(two, three)
        await one.until_connected(two, three)
        await two.until_connected(one)
        one.links.introduce(one.identity(cluster_id="a"))
        assert set(one.disconnected) <= {two.id, three.id}
        await eventually(lambda: three.id not in one.links.connected, what="the loss of the other cluster")
        await eventually(lambda: not three.links.connected, what="the loss at its end")
        await eventually(lambda: three.log.named("raft.link.refused") != [], what="the refusal of its return")
        assert three.log.named("raft.link.refused")[-1]["code"] == "cluster"
        await one.until_connected(two)
        await two.until_connected(one)
        assert one.links.send(two.id, HEARTBEAT)
        await eventually(lambda: two.heard != [], what="a message within the cluster")


async def test_a_caller_of_no_cluster_calls_anew_when_this_server_joins_one() -> None:
    async with running(1) as end:
        blank, member, other = (
            await taken(end, 7),
            await taken(end, 8, cluster_id="a"),
            await taken(end, 9, cluster_id="b"),
        )
        end.links.introduce(end.identity(cluster_id="a"))
        await blank.until_closed()
        await other.until_closed()
        member.send(HEARTBEAT)
        await eventually(lambda: [id for id, _ in end.heard] == [uuid_of(8)], what="the message of the member")
        for caller in (blank, member, other):
            caller.close()


async def test_a_caller_of_another_cluster_goes_when_its_call_makes_this_server_join_one() -> None:
    async with running(1) as end:
        end.on_caller = lambda: end.links.introduce(end.identity(cluster_id="a"))
        caller = await called(end, greeting_bytes(hello_to(end, cluster_id="b")))
        await caller.until_closed()
        caller.close()


async def test_a_fault_of_the_owner_is_no_silence() -> None:
    async with running(1) as one, running(2) as two:

        def fail(id: str) -> None:
            raise ZeroDivisionError

        object.__setattr__(one.links._events, "on_connected", fail)  # pyright: ignore[reportPrivateUsage]
        one.peers(two)
        await eventually(lambda: one.log.named("raft.dialer.crashed") != [], what="the event")


LATER = Spoken(minimum=OWN.maximum + 1, maximum=OWN.maximum + 1, program="9.0.0")


async def test_each_tells_the_other_which_protocol_it_speaks() -> None:
    async with running(1) as one, running(2) as two:
        assert one.links.spoken(two.id) is None
        one.peers(two)
        await one.until_connected(two)
        await two.until_connected(one)
        assert one.links.spoken(two.id) == two.links.spoken(one.id) == OWN
        assert one.links.spoken(one.id) == OWN
        assert {told["speaks"] for told in two.log.named("raft.link.accepted")} == {str(OWN)}


async def test_servers_of_two_protocols_stay_apart_and_say_so_once_until_one_is_upgraded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "FOREIGN_S", 0.02)
    async with running(1) as one, running(2) as two:
        with monkeypatch.context() as later:
            later.setattr(transport, "OWN", LATER)
            one.peers(two)
            await eventually(lambda: two.listener.accepted_raft > 5, what="some more calls")
        (refused,) = two.log.named("raft.link.refused")
        assert refused["code"] == "version"
        assert "9.0.0" in refused["reason"]
        assert str(OWN) in refused["reason"]
        (failed,) = one.log.named("raft.dial.failed")
        assert "upgrade server" in failed["reason"]
        assert one.links.spoken(two.id) is None
        await one.until_connected(two)


async def test_one_of_another_protocol_is_not_dialed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "OWN", LATER)
    async with running(1) as one, running(2) as two:
        one.peers(two)
        await eventually(lambda: len(one.log.named("raft.dial.failed")) > 0, what="a refusal")
        await asyncio.sleep(0.5)
        assert two.listener.accepted_raft == 1
