"""The tables of access control: found by digest, in a fixed order, and bounded."""

from __future__ import annotations

import hashlib

import pytest

from lictor_core.acl.commands import AclTokenSet
from lictor_core.acl.records import Policy, Token
from lictor_core.errors import RequestError
from lictor_server.state import Store, apply
from lictor_server.state.acl_tables import AclTables, digest_of
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


def test_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lictor_server.state.acl_changes.ACL_ROWS_MAX", 1)
    store = Store("dc1")
    assert apply(store, 5, AclTokenSet(token=token("t")))[0].rejection is None
    outcome, _ = apply(store, 6, AclTokenSet(token=token("u")))
    assert outcome.rejection is not None
    assert outcome.rejection.message == "there are 1 tokens, and no more are kept: delete some first"
    assert apply(store, 7, AclTokenSet(token=token("t"), is_update=True))[0].rejection is None
