"""Changes of the ring of keys, and who knows which."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from lictor_agent import keyring_changes
from lictor_agent.keyring import Keyring
from lictor_agent.keyring_changes import Census, KeyringChanges, census
from lictor_core.clock import SystemClock, SystemRng
from lictor_core.commands import KeyringSet
from lictor_core.errors import RequestError
from lictor_core.keyring import Ring, fingerprint, key_text
from lictor_core.sealed_ring import KeyTidings
from lictor_server import Server
from tests.agent.harness import running_server
from tests.agent.test_keyring_follower import following
from tests.support.conditions import eventually

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))


def told(node: str, *keys: bytes) -> KeyTidings:
    return KeyTidings(node=node, keys=tuple(fingerprint(key) for key in keys))


def changes(server: Server, keyring: Keyring) -> KeyringChanges:
    return KeyringChanges(keyring, server, "dc1", SystemClock(), SystemRng())


@asynccontextmanager
async def agent() -> AsyncGenerator[tuple[Server, Keyring]]:
    """A server whose own agent follows its ring."""
    keyring = Keyring(Ring((A,)))
    async with AsyncExitStack() as parts:
        server, _, _ = await parts.enter_async_context(running_server())
        await parts.enter_async_context(following(server, keyring, server.member().name))
        yield server, keyring


def test_keys_are_counted_by_what_members_told() -> None:
    counted = census(
        ["n1", "N2", "n3", "n4"], [told("n1", A, B), told("n2", B, A), told("n3", A), told("gone", C)], Ring((A, B))
    )
    assert counted == Census(
        members=4,
        keys={key_text(A): 3, key_text(B): 2},
        primaries={key_text(A): 2, key_text(B): 1},
        silent=("n4",),
    )


def test_a_key_that_is_not_known_here_is_shown_by_its_fingerprint() -> None:
    assert census(["n1"], [told("n1", C)], Ring((A,))).keys == {f"unknown here: {fingerprint(C)}": 1}


async def test_a_key_is_installed_used_and_the_former_one_removed_at_all_members() -> None:
    async with agent() as (server, keyring):
        of = changes(server, keyring)
        assert await of.change(lambda ring: ring.installed(B)) == []
        assert keyring.ring == Ring((A, B))
        assert await of.change(lambda ring: ring.used(B)) == []
        assert keyring.ring == Ring((B, A))
        assert await of.change(lambda ring: ring.removed(A)) == []
        assert keyring.ring == Ring((B,))
        index = (await server.keys())[0].index
        assert await of.change(lambda ring: ring.installed(B)) == []
        assert (await server.keys())[0].index == index, "nothing changed, and nothing was written"


async def test_what_cannot_be_is_refused_and_changes_nothing() -> None:
    async with agent() as (server, keyring):
        with pytest.raises(RequestError, match="primary"):
            await changes(server, keyring).change(lambda ring: ring.removed(A))
        with pytest.raises(RequestError, match="not in the keyring"):
            await changes(server, keyring).change(lambda ring: ring.used(C))
        assert keyring.ring == Ring((A,))


async def test_members_that_do_not_take_a_change_over_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_changes, "TAKEN_S_MAX", 0.1)
    async with running_server() as (server, _, _):
        assert await changes(server, Keyring(Ring((A,)))).change(lambda ring: ring.installed(B)) == [
            server.member().name
        ]


async def test_changes_at_once_are_all_made() -> None:
    async with agent() as (server, keyring):
        keys = [bytes([number]) * 16 for number in range(10, 14)]
        await asyncio.gather(*(changes(server, keyring).change(_installing(key)) for key in keys))
        await eventually(lambda: keyring.ring is not None and len(keyring.ring.keys) == 5, what="all keys")


async def test_who_knows_no_key_in_use_changes_none() -> None:
    async with running_server() as (server, _, _):
        await server.write(KeyringSet(boxes={"x": b"y"}, cas=0))
        with pytest.raises(RequestError, match="knows none of the keys in use"):
            await changes(server, Keyring(Ring((A,)))).change(lambda ring: ring.installed(B))


def _installing(key: bytes) -> Callable[[Ring], Ring]:
    return lambda ring: ring.installed(key)
