"""The tables of access control: found by digest, in a fixed order, and bounded."""

from __future__ import annotations

import hashlib

import pytest

from lictor_core.acl.commands import AclTokensDelete, AclTokenSet
from lictor_core.acl.records import Policy, Token
from lictor_core.errors import RequestError
from lictor_server.state import Store, apply
from lictor_server.state.acl_tables import AclTables, digest_of
from lictor_server.state.snapshot import restore, take
from tests.server.build_acl import id_of, policy, token


def test_a_token_is_found_by_the_digest_of_its_secret_alone() -> None:
    tables = AclTables()
    tables.restore_tokens([token("t", secret="Secret")])
    assert digest_of("Secret") == hashlib.sha256(b"Secret").digest()
    assert tables.token_of_digest(digest_of("Secret")) == tables.token(id_of("t").upper())
    assert tables.token_of_secret("secret") is None, "secrets heed case"


def test_secrets_that_are_no_unicode_are_just_unknown() -> None:
    assert AclTables().token_of_secret("\ud800") is None


@pytest.mark.parametrize(
    "tokens", [[token("t"), token("t", secret="x")], [token("t", secret="x"), token("u", secret="x")]]
)
def test_snapshots_with_a_token_twice_are_refused(tokens: list[Token]) -> None:
    with pytest.raises(RequestError, match="twice"):
        AclTables().restore_tokens(tokens)


@pytest.mark.parametrize("other", [policy("A", id=id_of("x")), policy("b", id=id_of("a").upper())])
def test_snapshots_with_a_policy_twice_are_refused(other: Policy) -> None:
    with pytest.raises(RequestError, match="twice"):
        AclTables().policies.restore([policy("a"), other])


def test_tokens_that_expire_are_found_in_the_order_of_their_ends() -> None:
    store = Store("dc1")
    ends = {"t": "1970-01-01T00:00:30Z", "u": "1970-01-01T00:00:10Z", "v": "1970-01-01T00:00:20Z", "w": ""}
    for index, (name, until) in enumerate(ends.items(), 5):
        apply(store, index, AclTokenSet(token=token(name, expires=until)))
    assert store.acl.next_end() == 10.0
    assert store.acl.ended(9.5, 9) == []
    assert store.acl.ended(30.0, 9) == [id_of("u"), id_of("v"), id_of("t")]
    assert store.acl.ended(30.0, 1) == [id_of("u")]
    apply(store, 20, AclTokensDelete(accessor_ids=[id_of("u"), id_of("w")]))
    apply(store, 21, AclTokenSet(token=token("v", expires="1970-01-01T00:00:40Z"), is_update=True))
    assert restore(take(store)).acl.ended(50.0, 9) == store.acl.ended(50.0, 9) == [id_of("t"), id_of("v")]


def test_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictor_server.state.acl_changes.ACL_ROWS_MAX", 1)
    store = Store("dc1")
    assert apply(store, 5, AclTokenSet(token=token("t")))[0].rejection is None
    outcome, _ = apply(store, 6, AclTokenSet(token=token("u")))
    assert outcome.rejection is not None
    assert outcome.rejection.message == "there are 1 tokens, and no more are kept: delete some first"
    assert apply(store, 7, AclTokenSet(token=token("t"), is_update=True))[0].rejection is None
