"""Commands by chance: few names, in both cases, so that most commands meet what earlier ones left."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from lictor_core.commands import (
    AclAuthMethodDelete,
    AclAuthMethodSet,
    AclBindingRuleDelete,
    AclBindingRuleSet,
    AclBootstrap,
    AclPolicyDelete,
    AclPolicySet,
    AclRoleDelete,
    AclRoleSet,
    AclTokensDelete,
    AclTokenSet,
    Command,
    CoordinatesSet,
    Deregister,
    EventFire,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    NodeUpdate,
    PreparedQueryDelete,
    PreparedQuerySet,
    Register,
    SessionCreate,
    SessionDestroy,
    Transaction,
)
from lictor_core.records import Check, IntentionAction, Node, Service, ServiceKind, SessionBehavior
from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from lictor_server.state import Store
from tests.server import build, build_acl
from tests.server.state.strategies import ENTRIES, IDS, KEYS, NODES, PREFIXES, SERVICES, SESSIONS, STATUSES

__all__ = ["Workload"]

_INSTANCES = ("s1", "S1", "s2", "s3")
_CHECKS = ("c1", "C1", "c2", "serfHealth")
_KINDS = (ServiceKind.INGRESS_GATEWAY, ServiceKind.TERMINATING_GATEWAY)
_QUERIES = tuple(f"{digit * 8}-bbbb-4bbb-8bbb-bbbbbbbbbbbb" for digit in "123")
_STEP_MS = 3000
_KEY_VERBS = (
    *("set", "cas", "lock", "unlock", "get", "get-tree", "check-index", "check-session", "check-not-exists"),
    *("delete", "delete-cas", "delete-tree", "bogus"),
)
_CATALOG_VERBS = ("set", "set", "cas", "get", "delete", "delete-cas", "bogus")


class Workload:
    """Makes up one command after the other; time goes on with them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._now_ms = 0

    def command(self, store: Store) -> Command:
        """A command that may be the next one; `store` is looked at for indexes that fit."""
        self._now_ms += self._chance.choice((0, 0, 10, _STEP_MS))
        makers: tuple[Callable[[Store], Command], ...] = (
            *(self._register, self._register, self._register, self._gateway, self._update, self._deregister),
            *(self._key, self._key, self._lock, self._lock, self._session, self._session, self._intention),
            *(self._entry, self._entry, self._unset, self._query, self._transaction, self._transaction),
            *(self._event, self._place, self._linked, self._granted, self._granted, self._method),
        )
        return self._chance.choice(makers)(store)

    # The catalog.

    def _node(self) -> Node:
        chance = self._chance
        meta = chance.choice((None, None, {"rack": "1"}))
        address = chance.choice(("192.0.2.1", "192.0.2.1", "192.0.2.2"))
        return build.node(chance.choice(NODES), id=chance.choice(("", "", *IDS)), address=address, meta=meta)

    def _service(self) -> Service:
        chance = self._chance
        made = build.service(
            chance.choice(SERVICES),
            id=chance.choice(_INSTANCES),
            tags=chance.choice(([], ["t1"], ["t1", "t2"])),
            address=chance.choice(("", "", "192.0.2.3")),
            port=chance.choice((80, 80, 81)),
            proxy_for=chance.choice(("", "", "", "web", "DB")),
            native=chance.random() < 0.2,
        )
        return msgspec.structs.replace(made, meta=chance.choice((None, None, {"m": "1"})))

    def _check(self, node: str) -> Check:
        chance = self._chance
        return build.check(
            chance.choice(_CHECKS),
            status=chance.choice(STATUSES),
            service_id=chance.choice(("", "", "s1", "S2")),
            output=chance.choice(("", "fine", "slow")),
            node=node,
        )

    def _checks(self, node: Node) -> list[Check]:
        return [self._check(node.node) for _ in range(self._chance.choice((0, 0, 1, 2)))]

    def _register(self, store: Store) -> Command:
        node, service = self._node(), None if self._chance.random() < 0.2 else self._service()
        return Register(
            node=node, service=service, checks=self._checks(node), skip_node_update=self._chance.random() < 0.5
        )

    def _gateway(self, store: Store) -> Command:
        chance = self._chance
        gateway = build.service(
            chance.choice(("in", "out", "OUT", "web")), id=chance.choice(_INSTANCES), kind=chance.choice(_KINDS)
        )
        return Register(node=self._node(), service=gateway, skip_node_update=True)

    def _update(self, store: Store) -> Command:
        chance, node = self._chance, self._node()
        return NodeUpdate(
            node=node,
            skip_node_update=chance.random() < 0.5,
            gone_services=[chance.choice(_INSTANCES) for _ in range(chance.choice((0, 1, 1)))],
            gone_checks=[chance.choice(_CHECKS) for _ in range(chance.choice((0, 0, 1)))],
            services=[self._service() for _ in range(chance.choice((0, 1, 2)))],
            checks=self._checks(node),
        )

    def _deregister(self, store: Store) -> Command:
        chance = self._chance
        service, check = chance.choice((("", ""), ("", ""), ("s1", ""), ("S2", ""), ("", "c1"), ("", "C2")))
        return Deregister(node=chance.choice(NODES), service_id=service, check_id=check, at_ms=self._now_ms)

    def _place(self, store: Store) -> Command:
        chance = self._chance
        return CoordinatesSet(updates=[build.placed(chance.choice(NODES), chance.choice((0.1, 0.2)))])

    # Keys and sessions.

    def _cas(self, store: Store, key: str) -> int:
        entry = store.kv.get(key)
        right = 0 if entry is None else entry.modify_index
        return right if self._chance.random() < 0.7 else right + 1

    def _key(self, store: Store) -> Command:
        chance = self._chance
        key = chance.choice(KEYS)
        cas = None if chance.random() < 0.6 else self._cas(store, key)
        roll = chance.random()
        if roll < 0.6:
            return KVSet(key=key, value=chance.choice((b"", b"1", b"\xff\x00")), cas=cas, at_ms=self._now_ms)
        return KVDelete(key=key, cas=cas) if roll < 0.9 else KVDeleteTree(prefix=chance.choice(PREFIXES))

    def _lock(self, store: Store) -> Command:
        chance = self._chance
        wanted = KVSet(key=chance.choice(KEYS), value=chance.choice((b"1", b"2")), at_ms=self._now_ms)
        if chance.random() < 0.7:
            return msgspec.structs.replace(wanted, acquire=chance.choice(SESSIONS))
        return msgspec.structs.replace(wanted, release=chance.choice(SESSIONS))

    def _session(self, store: Store) -> Command:
        chance = self._chance
        id = chance.choice(SESSIONS)
        if chance.random() < 0.3:
            return SessionDestroy(id=id, at_ms=self._now_ms)
        return SessionCreate(
            session=build.session(
                id,
                node=chance.choice(NODES),
                delay_s=chance.choice((0.0, 5.0)),
                behavior=chance.choice(list(SessionBehavior)),
                checks=chance.choice(([], [], ["c1"], ["serfHealth"])),
            )
        )

    def _event(self, store: Store) -> Command:
        return EventFire(event=build.event(self._chance.choice(SESSIONS), self._chance.choice(("deploy", "stop"))))

    # What is configured.

    def _intention(self, store: Store) -> Command:
        chance = self._chance
        id = chance.choice(("i1", "i2", "i3"))
        if chance.random() < 0.3:
            return IntentionDelete(id=id)
        source, destination = chance.choice(("web", "db", "*")), chance.choice(("web", "db", "DB", "*"))
        return IntentionSet(
            intention=build.intention(source, destination, id=id, action=chance.choice(list(IntentionAction)))
        )

    def _entry(self, store: Store) -> Command:
        return build.config(*self._chance.choice(ENTRIES))

    def _unset(self, store: Store) -> Command:
        kind, name, _ = self._chance.choice(ENTRIES)
        return build.unconfig(kind, name)

    def _query(self, store: Store) -> Command:
        chance = self._chance
        id, name = chance.choice(_QUERIES), chance.choice(("", "a", "A", "ab", "b"))
        if chance.random() < 0.2:
            return PreparedQueryDelete(id=id)
        if chance.random() < 0.3:
            query = build.template(name, id=id, service="${name.suffix}")
        else:
            query = build.prepared_query(name, id=id, session=chance.choice(("", SESSIONS[0])))
        return PreparedQuerySet(query=query, is_update=chance.random() < 0.5)

    # Access control.

    def _linked(self, store: Store) -> Command:
        """Policies, and roles that link to them."""
        chance, name = self._chance, self._chance.choice(("a", "A", "b"))
        roll, is_update = chance.random(), chance.random() < 0.5
        if roll < 0.4:
            return AclPolicySet(policy=build_acl.policy(name, chance.choice(("", "x"))), is_update=is_update)
        if roll < 0.7:
            return AclRoleSet(role=build_acl.role(name, *chance.choice(((), ("a",), ("b",)))), is_update=is_update)
        id = build_acl.id_of(name.lower())
        return AclPolicyDelete(id=id) if roll < 0.85 else AclRoleDelete(id=id)

    def _granted(self, store: Store) -> Command:
        chance, name = self._chance, self._chance.choice(("t1", "t2", "t3"))
        roll = chance.random()
        if roll < 0.2:
            return AclTokensDelete(accessor_ids=[build_acl.id_of(name)])
        token = build_acl.token(
            name,
            *chance.choice(((), ("a",), ("a", "b"))),
            secret=chance.choice(("", "", "s1")),
            roles=chance.choice(((), ("a",))),
            method=chance.choice(("", "", "m")),
        )
        if roll < 0.3:
            return AclBootstrap(token=token, reset_index=chance.choice((0, store.acl.bootstrap_index)))
        return AclTokenSet(token=token, is_update=chance.random() < 0.5)

    def _method(self, store: Store) -> Command:
        """Auth methods and their binding rules."""
        chance, name = self._chance, self._chance.choice(("m", "M", "n"))
        roll = chance.random()
        if roll < 0.4:
            return AclAuthMethodSet(
                method=build_acl.auth_method(name, type=chance.choice(("jwt", "jwt", "kubernetes")))
            )
        if roll < 0.6:
            return AclAuthMethodDelete(name=name)
        rule = build_acl.binding_rule(chance.choice(("r1", "r2")), name)
        if roll < 0.7:
            return AclBindingRuleDelete(id=rule.id)
        return AclBindingRuleSet(rule=rule, is_update=chance.random() < 0.5)

    # Transactions.

    def _transaction(self, store: Store) -> Command:
        operations = [self._operation(store) for _ in range(self._chance.choice((1, 2, 3, 5)))]
        return Transaction(operations=operations, at_ms=self._now_ms)

    def _operation(self, store: Store) -> Operation:
        chance = self._chance
        roll = chance.random()
        if roll < 0.5:
            key = chance.choice(KEYS)
            return KeyOperation(
                verb=chance.choice(_KEY_VERBS),
                key=key,
                value=chance.choice((b"", b"t")),
                index=self._cas(store, key),
                session=chance.choice(("", *SESSIONS)),
            )
        verb = chance.choice(_CATALOG_VERBS)
        index = chance.choice((0, store.index + store.index_shift))
        if roll < 0.65:
            return NodeOperation(verb=verb, node=msgspec.structs.replace(self._node(), modify_index=index))
        node = chance.choice(NODES)
        if roll < 0.85:
            found = store.catalog.service_on(node, "s1")
            right = index if found is None else found.modify_index
            return ServiceOperation(
                verb=verb, node=node, service=msgspec.structs.replace(self._service(), modify_index=right)
            )
        return CheckOperation(verb=verb, check=msgspec.structs.replace(self._check(node), modify_index=index))
