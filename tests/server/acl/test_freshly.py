"""Tokens for agents: fresh while somebody leads, as they are here while nobody does."""

from __future__ import annotations

import pytest

from lictor_core.acl.commands import AclTokenSet
from lictor_core.commands import ReadMode
from lictor_core.errors import CatchingUpError, NoLeaderError, PermissionDeniedError
from lictor_server.acl import freshly
from lictor_server.acl.freshly import FreshGrants
from lictor_server.acl.resolver import Resolver
from lictor_server.acl.settings import AclSettings
from lictor_server.freshness import Contact, Freshness
from lictor_server.state import Store, apply
from tests.server.build_acl import id_of, token
from tests.support.clock import ManualClock


class Far(Freshness):
    """A freshness that is told what happens to the leader."""

    def __init__(self, store: Store) -> None:
        self.leads = True
        self.answers = True
        self.caught_up = True
        self.arriving: list[AclTokenSet] = []
        self._state = store

    def contact(self) -> Contact:
        if not self.caught_up:
            raise CatchingUpError("not yet")
        return Contact(5, self.leads)

    async def reached(self, mode: ReadMode, max_stale_s: float = 0.0) -> Contact:
        if not self.answers:
            raise NoLeaderError()
        for command in self.arriving:
            apply(self._state, self._state.index + 1, command)
        return Contact()


def placed() -> tuple[FreshGrants, Far]:
    store = Store("dc1")
    apply(store, 5, AclTokenSet(token=token("here", secret="here")))
    far = Far(store)
    return FreshGrants(Resolver(store, AclSettings(enabled=True), ManualClock()), far), far


async def test_a_token_that_was_just_made_is_known() -> None:
    grants, far = placed()
    far.arriving.append(AclTokenSet(token=token("new", secret="new")))
    assert (await grants.of("new")).accessor_id == id_of("new")


async def test_a_token_that_is_not_there_is_refused() -> None:
    grants, _ = placed()
    with pytest.raises(PermissionDeniedError, match="ACL not found"):
        await grants.of("none")


@pytest.mark.parametrize("known", [True, False])
async def test_without_a_leader_what_is_here_decides_but_nobody_can_say_that_a_token_is_not_there(known: bool) -> None:
    grants, far = placed()
    far.leads, far.answers = known, False
    assert (await grants.of("here")).accessor_id == id_of("here")
    with pytest.raises(NoLeaderError):
        await grants.of("none")


async def test_a_leader_that_does_not_answer_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    grants, far = placed()

    async def late(mode: ReadMode, max_stale_s: float = 0.0) -> Contact:
        raise TimeoutError

    monkeypatch.setattr(far, "reached", late)
    assert freshly.LEADER_S_MAX < 7
    assert (await grants.of("here")).accessor_id == id_of("here")


async def test_a_server_from_the_past_tells_of_no_token() -> None:
    grants, far = placed()
    far.caught_up = False
    with pytest.raises(CatchingUpError):
        await grants.of("here")
