"""A small cluster as a store: two nodes with the services web and db each, and something of everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from lictor_core.acl.authorizer import Authorizer
from lictor_core.acl.caller import Caller
from lictor_core.acl.granted import DefaultPolicy, GrantedPolicy, Grants
from lictor_core.commands import (
    Command,
    CoordinatesSet,
    EventFire,
    IntentionSet,
    KVSet,
    PreparedQuerySet,
    SessionCreate,
)
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.texts import policy_rules
from lictor_server.state import Store, apply
from tests.core.acl.grants import ACCESSOR
from tests.server import build

__all__ = ["IDS", "FixedCallers", "judge_of", "world"]

IDS: Final = {
    name: f"{at:08d}-0000-4000-8000-000000000000"
    for at, name in enumerate(("sa", "sb", "web-db", "db-web", "any-web", "qweb", "qdb", "nameless"), 1)
}


def judge_of(text: str, *, default: DefaultPolicy = DefaultPolicy.DENY) -> Authorizer:
    """Of a token whose one policy, `ops`, is this text."""
    policies = (GrantedPolicy(name="ops", rules=policy_rules(text)),)
    return Authorizer(Grants(accessor_id=ACCESSOR, policies=policies, default=default))


class FixedCallers:
    """Callers by secret, as a test says; what it does not say is unknown."""

    def __init__(self, policies: Mapping[str, str], *, stamp: int = 0) -> None:
        self.callers = {
            secret: Caller(accessor_id=ACCESSOR, authorizer=judge_of(text), stamp=stamp)
            for secret, text in policies.items()
        }

    def caller(self, secret: str) -> Caller:
        if secret not in self.callers:
            raise PermissionDeniedError("ACL not found")
        return self.callers[secret]


def world() -> Store:
    """The cluster, each command at an index of its own."""
    store = Store("dc1")
    for index, command in enumerate(_commands(), 2):
        outcome, _ = apply(store, index, command)
        assert outcome.rejection is None, outcome
    return store


def _commands() -> list[Command]:
    found: list[Command] = []
    for node in ("na", "nb"):
        for service in ("web", "db"):
            checks = [build.check(f"{service}c", service_id=f"{service}1", node=node), build.check("nc", node=node)]
            found.append(
                build.register(
                    build.node(node), service=build.service(service, id=f"{service}1", native=True), checks=checks
                )
            )
    found += [KVSet(key=key, value=b"x") for key in ("a/1", "a/2", "b", "b/1")]
    found += [SessionCreate(session=build.session(id=IDS[f"s{one}"], node=f"n{one}")) for one in "ab"]
    for source, destination, id in (("web", "db", "web-db"), ("db", "web", "db-web"), ("*", "web", "any-web")):
        found.append(IntentionSet(intention=build.intention(source, destination, id=IDS[id])))
    for name, service in (("qweb", "web"), ("qdb", "db")):
        query = build.prepared_query(name, service=service, id=IDS[name])
        if name == "qdb":
            query = msgspec.structs.replace(query, token="of qdb")
        found.append(PreparedQuerySet(query=query))
    nameless = build.prepared_query("", service="web", id=IDS["nameless"], session=IDS["sa"])
    found.append(PreparedQuerySet(query=nameless))
    found += [build.config("service-defaults", name, {"Protocol": "tcp"}) for name in ("web", "db")]
    found.append(build.config("proxy-defaults", "global"))
    found += [EventFire(event=build.event(IDS[f"q{name}"], f"ev{name}")) for name in ("web", "db")]
    found.append(CoordinatesSet(updates=[build.placed("na", 0.1), build.placed("nb", 0.2)]))
    return found
