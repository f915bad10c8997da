"""What a cluster begins with, and the one bootstrap."""

from __future__ import annotations

from pathlib import Path

import pytest

from lictor_core.acl.commands import AclTokensDelete
from lictor_core.acl.records import ANONYMOUS_ID, MANAGEMENT_ID, Token
from lictor_core.acl.requests import Bootstrap
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.bootstrap import RESET_FILE
from lictor_server.acl.settings import AclSettings
from tests.server.acl.desks import ROOT, Desk

OPEN = AclSettings(enabled=True)


async def bootstrapped(desk: Desk) -> Token:
    token = (await desk.order(Bootstrap(), "")).token
    assert token is not None
    return token


async def test_a_second_leader_writes_nothing_again() -> None:
    desk = await Desk().begun()
    assert len(desk.proposed) == 3
    await desk.begun()
    assert len(desk.proposed) == 3
    assert {policy.id for policy in desk.store.acl.policies.all()} == {MANAGEMENT_ID}
    assert desk.store.acl.token(ANONYMOUS_ID) is not None


async def test_the_initial_token_may_do_everything_and_stands_for_the_bootstrap() -> None:
    desk = await Desk().begun()
    assert desk.resolver.caller(ROOT).scope == ""
    with pytest.raises(PermissionDeniedError, match="no longer allowed"):
        await desk.order(Bootstrap(), "")


async def test_another_initial_token_is_made_beside_the_first() -> None:
    desk = await Desk(OPEN).begun()
    first = await bootstrapped(desk)
    with_token = Desk()
    with_token.store.acl = desk.store.acl
    with_token.store.index = desk.store.index
    await with_token.begun()
    assert with_token.resolver.caller(ROOT).scope == ""
    assert with_token.resolver.caller(first.secret_id).scope == ""


@pytest.mark.parametrize("secret", ["anonymous", "00000000-0000-0000-0000-000000000001"])
async def test_an_initial_token_with_a_reserved_secret_is_refused_and_told(secret: str) -> None:
    desk = await Desk(AclSettings(enabled=True, initial_management=secret)).begun()
    assert desk.log.named("acl.initial_token.refused")
    assert [one.accessor_id for one in desk.store.acl.tokens()] == [ANONYMOUS_ID]


async def test_the_first_to_ask_gets_the_token_and_nobody_else() -> None:
    desk = await Desk(OPEN).begun()
    token = await bootstrapped(desk)
    assert (token.description, token.local) == ("Bootstrap Token (Global Management)", False)
    assert [link.name for link in token.policies] == ["global-management"]
    index = desk.store.acl.bootstrap_index
    for _ in range(2):
        with pytest.raises(PermissionDeniedError) as caught:
            await desk.order(Bootstrap(), "")
        assert str(caught.value) == f"Permission denied: ACL bootstrap no longer allowed (reset index: {index})"


async def test_deleting_the_first_token_opens_no_other_bootstrap() -> None:
    desk = await Desk(OPEN).begun()
    first = await bootstrapped(desk)
    await desk.propose(AclTokensDelete(accessor_ids=[first.accessor_id]))
    with pytest.raises(PermissionDeniedError):
        await desk.order(Bootstrap(), "")


async def test_the_reset_file_with_the_right_index_allows_one_more(tmp_path: Path) -> None:
    desk = await Desk(OPEN, data_dir=tmp_path).begun()
    await bootstrapped(desk)
    (tmp_path / RESET_FILE).write_text(f"{desk.store.acl.bootstrap_index}\n")
    await bootstrapped(desk)
    assert not (tmp_path / RESET_FILE).exists()
    with pytest.raises(PermissionDeniedError):
        await desk.order(Bootstrap(), "")


@pytest.mark.parametrize("text", ["", "x", "999999", "-1", "\u0663"])
async def test_a_reset_file_that_says_something_else_allows_nothing_and_goes(tmp_path: Path, text: str) -> None:
    desk = await Desk(OPEN, data_dir=tmp_path).begun()
    await bootstrapped(desk)
    (tmp_path / RESET_FILE).write_text(text)
    with pytest.raises(PermissionDeniedError):
        await desk.order(Bootstrap(), "")
    assert not (tmp_path / RESET_FILE).exists()


async def test_a_reset_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    desk = await Desk(OPEN, data_dir=tmp_path).begun()
    await bootstrapped(desk)
    (tmp_path / RESET_FILE).mkdir()
    with pytest.raises(PermissionDeniedError):
        await desk.order(Bootstrap(), "")
    assert desk.log.named("acl.reset_file.not_read")
