"""An agent's ring follows the one that the servers hand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from structlog.testing import LogCapture

from lictor_agent.keyring import FILE, Keyring, kept_keyring
from lictor_agent.keyring_follower import KeyringFollower
from lictor_agent.sealing import sealed
from lictor_config.tree import Encrypt
from lictor_core.clock import SystemRng
from lictor_core.commands import KeyringSet
from lictor_core.keyring import Ring, fingerprint, fingerprints, key_text
from lictor_core.queries import KeyringQuery
from lictor_core.registry import ReadOptions
from lictor_server import Server
from tests.agent.harness import quiet_log, running_server
from tests.support.conditions import eventually

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


@asynccontextmanager
async def following(
    server: Server, keyring: Keyring, node: str = "a1"
) -> AsyncGenerator[tuple[KeyringFollower, LogCapture]]:
    log, captured = quiet_log()
    follower = KeyringFollower(keyring, server, node_name=node, datacenter="dc1", rng=SystemRng(), log=log)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(follower.run())
        yield follower, captured
        task.cancel()


def told(server: Server) -> list[tuple[int, tuple[str, ...]]]:
    """What agents told this server of their rings."""
    return [(one.index, one.keys) for one in server._keyrings.own()]  # pyright: ignore[reportPrivateUsage]


def forget(server: Server) -> None:
    """As another server would know nothing."""
    server._keyrings._told.clear()  # pyright: ignore[reportPrivateUsage]


async def hand_on(server: Server, ring: Ring) -> int:
    """Have the servers hand on this ring; its index."""
    now = (await server.read(KeyringQuery(), ReadOptions())).value.modify_index
    return (await server.write(KeyringSet(boxes=sealed(ring, "dc1", SystemRng()), cas=now))).index


async def test_a_ring_that_is_handed_on_is_taken_over_kept_and_told(tmp_path: Path) -> None:
    log, _ = quiet_log()
    keyring = kept_keyring(Encrypt(key=key_text(A)), str(tmp_path), log)
    async with running_server() as (server, _, _), following(server, keyring):
        await eventually(lambda: told(server) == [(0, (fingerprint(A),))], what="the first telling")
        index = await hand_on(server, Ring((A, B)))
        await eventually(lambda: told(server) == [(index, fingerprints((A, B)))], what="the next one")
        assert keyring.ring == Ring((A, B))
        await hand_on(server, Ring((B,)))
        await eventually(lambda: keyring.ring == Ring((B,)), what="the next ring")
    assert key_text(B) in (tmp_path / FILE).read_text()


async def test_who_was_away_takes_the_newest_ring_over() -> None:
    keyring = Keyring(Ring((A,)))
    async with running_server() as (server, _, _):
        await hand_on(server, Ring((A, B)))
        await hand_on(server, Ring((C, B, A)))
        async with following(server, keyring):
            await eventually(lambda: keyring.ring == Ring((C, B, A)), what="the newest ring")


async def test_a_ring_without_any_own_key_is_told_of_once_and_not_taken() -> None:
    keyring = Keyring(Ring((A,)))
    async with running_server() as (server, _, _), following(server, keyring) as (_, captured):
        await hand_on(server, Ring((B,)))
        await eventually(lambda: bool(captured.entries), what="the news")
        [event] = captured.entries
        assert (event["event"], event["log_level"]) == ("agent.keyring.locked", "error")
        assert key_text(A) not in str(event)
        assert keyring.ring == Ring((A,))


async def test_without_keys_nothing_is_followed() -> None:
    async with running_server() as (server, _, _):
        log, _ = quiet_log()
        await KeyringFollower(Keyring(), server, node_name="a1", datacenter="dc1", rng=SystemRng(), log=log).run()
        assert await server.keys() == []


async def test_what_was_told_is_told_again_over_another_connection() -> None:
    keyring = Keyring(Ring((A,)))
    async with running_server() as (server, _, _), following(server, keyring) as (follower, _):
        await eventually(lambda: told(server) != [], what="the first telling")
        forget(server)
        follower.reconnected()
        await eventually(lambda: told(server) == [(0, (fingerprint(A),))], what="the same again")
