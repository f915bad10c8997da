"""Access control as it is kept: tokens, policies, roles, auth methods, binding rules, and whether it was bootstrapped.

Tokens are found by the SHA-256 of their secret. How long a look-up takes may then tell of digests, but nobody can
choose secrets whose digests come ever nearer to another one: what it tells leads to no secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

import msgspec
from sortedcontainers import SortedDict, SortedSet

from lictor_core import topics as on
from lictor_core.acl.records import AuthMethod, BindingRule, Policy, Role, Token
from lictor_core.acl.times import ends_at
from lictor_core.errors import RequestError
from lictor_core.topics import Topic
from lictor_server.state.copies import in_order
from lictor_server.state.indexes import Change

__all__ = ["ACL_ROWS_MAX", "AclTables", "NamedTable", "digest_of"]

ACL_ROWS_MAX: Final = 500_000
"""Tokens, and each other kind, at most; one more is refused. All are in the memory of every server."""


K = TypeVar("K", Token, Policy, Role, AuthMethod, BindingRule)
N = TypeVar("N", Policy, Role)


def digest_of(secret: str) -> bytes:
    """What a token is found by instead of its secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Rows(Generic[K]):
    """Records of one kind by their key in lower case."""

    def __init__(self, kind: str, topic: Topic) -> None:
        """`kind` is what a message calls one of them."""
        self.kind = kind
        self._topic = topic
        self._rows: SortedDict[str, K] = SortedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: str) -> K | None:
        """One record."""
        return self._rows.get(key.lower())

    def all(self) -> list[K]:
        """Every record, by key."""
        return list(self._rows.values())

    def put(self, change: Change, key: str, record: K) -> K:
        """Create or replace; the record as it is kept, with its indexes."""
        old = self.get(key)
        kept = msgspec.structs.replace(
            record,
            create_index=change.index if old is None else old.create_index,
            modify_index=change.index,
        )
        self._rows[key.lower()] = kept
        change.wake(self._topic)
        return kept

    def drop(self, change: Change, key: str) -> K | None:
        """Remove a record; what there was."""
        old = self._rows.pop(key.lower(), None)
        if old is not None:
            change.wake(self._topic)
        return old

    def rows(self) -> Iterator[K]:
        """Every record as of this call, by key: for snapshots. For any thread."""
        rows = dict(self._rows)
        return (rows[key] for key in in_order(list(rows)))

    def restore(self, key: str, record: K) -> None:
        """Take a row of a snapshot. Raises `RequestError` for one that was there already."""
        if key.lower() in self._rows:
            raise RequestError(f"the snapshot has {self.kind} {key} twice")
        self._rows[key.lower()] = record


class NamedTable(Generic[N]):
    """Records by id, with names that are unique whatever their case."""

    def __init__(self, kind: str, topic: Topic) -> None:
        self._by_id: Rows[N] = Rows(kind, topic)
        self._ids: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, id: str) -> N | None:
        """One record by id."""
        return self._by_id.get(id)

    def named(self, name: str) -> N | None:
        """One record by name."""
        id = self._ids.get(name.lower())
        return None if id is None else self._by_id.get(id)

    def all(self) -> list[N]:
        """Every record, by id."""
        return self._by_id.all()

    def put(self, change: Change, record: N) -> N:
        """Create or replace by id; that the name is free was settled by the caller."""
        self._forget_name(self._by_id.get(record.id))
        self._ids[record.name.lower()] = record.id
        return self._by_id.put(change, record.id, record)

    def drop(self, change: Change, id: str) -> bool:
        """Remove a record; whether there was one."""
        old = self._by_id.drop(change, id)
        self._forget_name(old)
        return old is not None

    def rows(self) -> Iterator[N]:
        """Every record as of this call, by id: for snapshots. For any thread."""
        return self._by_id.rows()

    def restore(self, records: Iterable[N]) -> None:
        """Take the rows of a snapshot. Raises `RequestError` for what no server held together."""
        for record in records:
            if record.name.lower() in self._ids:
                raise RequestError(f"the snapshot has {self._by_id.kind} {record.name!r} twice")
            self._by_id.restore(record.id, record)
            self._ids[record.name.lower()] = record.id

    def _forget_name(self, old: N | None) -> None:
        if old is not None:
            del self._ids[old.name.lower()]


class AclTables:
    """All that is kept of access control. Ids and names ignore case, secrets do not."""

    def __init__(self) -> None:
        self.bootstrap_index = 0
        """Where the newest bootstrap came; 0 for none."""
        self.policies: NamedTable[Policy] = NamedTable("policy", on.ACL_POLICIES)
        self.roles: NamedTable[Role] = NamedTable("role", on.ACL_ROLES)
        self._tokens: Rows[Token] = Rows("token", on.ACL_TOKENS)
        self._accessors: dict[bytes, str] = {}
        self._ends: SortedSet[tuple[float, str]] = SortedSet()
        self._methods: Rows[AuthMethod] = Rows("auth method", on.ACL_AUTH_METHODS)
        self._rules: Rows[BindingRule] = Rows("binding rule", on.ACL_BINDING_RULES)

    # Tokens.

    def token(self, accessor_id: str) -> Token | None:
        """A token by accessor."""
        return self._tokens.get(accessor_id)

    def token_of_secret(self, secret: str) -> Token | None:
        """The token of this secret."""
        return self.token_of_digest(digest_of(secret))

    def token_of_digest(self, digest: bytes) -> Token | None:
        """The token whose secret has this digest."""
        accessor_id = self._accessors.get(digest)
        return None if accessor_id is None else self._tokens.get(accessor_id)

    def tokens(self) -> list[Token]:
        """Every token, by accessor."""
        return self._tokens.all()

    def token_count(self) -> int:
        """How many tokens there are."""
        return len(self._tokens)

    def next_end(self) -> float | None:
        """When the next token expires, seconds since 1970; None when none does."""
        return self._ends[0][0] if self._ends else None

    def ended(self, now: float, tokens_max: int) -> list[str]:
        """Tokens that have expired, by accessor: those first that did so first, at most so many."""
        found: list[str] = []
        for until, accessor_id in self._ends:
            if until > now or len(found) == tokens_max:
                break
            found.append(accessor_id)
        return found

    def put_token(self, change: Change, token: Token) -> Token:
        """Create or replace by accessor; that its secret is free was settled by the caller."""
        old = self._tokens.get(token.accessor_id)
        if old is not None:
            self._unlink(old)
        self._link(token)
        return self._tokens.put(change, token.accessor_id, token)

    def drop_token(self, change: Change, accessor_id: str) -> None:
        """Remove a token, if it is there."""
        old = self._tokens.drop(change, accessor_id)
        if old is not None:
            self._unlink(old)

    def _link(self, token: Token) -> None:
        self._accessors[digest_of(token.secret_id)] = token.accessor_id
        if (until := ends_at(token.expiration_time)) is not None:
            self._ends.add((until, token.accessor_id))

    def _unlink(self, token: Token) -> None:
        del self._accessors[digest_of(token.secret_id)]
        if (until := ends_at(token.expiration_time)) is not None:
            self._ends.remove((until, token.accessor_id))

    # Auth methods and their binding rules.

    def method(self, name: str) -> AuthMethod | None:
        """An auth method."""
        return self._methods.get(name)

    def methods(self) -> list[AuthMethod]:
        """Every auth method, by name."""
        return self._methods.all()

    def put_method(self, change: Change, method: AuthMethod) -> None:
        """Create or replace by name."""
        self._methods.put(change, method.name, method)

    def drop_method(self, change: Change, name: str) -> None:
        """Remove an auth method, its binding rules, and the tokens that came of it."""
        if self._methods.drop(change, name) is None:
            return
        for rule in self.rules(name):
            self._rules.drop(change, rule.id)
        for token in [one for one in self.tokens() if one.auth_method and one.auth_method.lower() == name.lower()]:
            self.drop_token(change, token.accessor_id)

    def rule(self, id: str) -> BindingRule | None:
        """A binding rule."""
        return self._rules.get(id)

    def rules(self, method: str = "") -> list[BindingRule]:
        """Every binding rule by id, or those of an auth method."""
        return [one for one in self._rules.all() if not method or one.auth_method.lower() == method.lower()]

    def put_rule(self, change: Change, rule: BindingRule) -> None:
        """Create or replace by id."""
        self._rules.put(change, rule.id, rule)

    def drop_rule(self, change: Change, id: str) -> None:
        """Remove a binding rule, if it is there."""
        self._rules.drop(change, id)

    # Snapshots.

    def token_rows(self) -> Iterator[Token]:
        """Every token as of this call: for any thread."""
        return self._tokens.rows()

    def method_rows(self) -> Iterator[AuthMethod]:
        """Every auth method as of this call: for any thread."""
        return self._methods.rows()

    def rule_rows(self) -> Iterator[BindingRule]:
        """Every binding rule as of this call: for any thread."""
        return self._rules.rows()

    def restore_tokens(self, tokens: Iterable[Token]) -> None:
        """Take the rows of a snapshot. Raises `RequestError` for what no server held together."""
        for token in tokens:
            if digest_of(token.secret_id) in self._accessors:
                raise RequestError(f"the snapshot has the secret of token {token.accessor_id} twice")
            self._tokens.restore(token.accessor_id, token)
            self._link(token)

    def restore_methods(self, methods: Iterable[AuthMethod]) -> None:
        """Take the rows of a snapshot."""
        for method in methods:
            self._methods.restore(method.name, method)

    def restore_rules(self, rules: Iterable[BindingRule]) -> None:
        """Take the rows of a snapshot."""
        for rule in rules:
            self._rules.restore(rule.id, rule)
