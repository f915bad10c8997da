"""Every command has a row, and a row judges as the real Consul 1.8.7 did of the same."""

from __future__ import annotations

from typing import Final, get_args

import msgspec
import pytest

from lictor_core.autopilot import AutopilotConfiguration
from lictor_core.commands import (
    AutopilotSet,
    Command,
    ConfigDelete,
    CoordinatesSet,
    EventFire,
    IntentionDelete,
    IntentionSet,
    KVDelete,
    KVDeleteTree,
    KVSet,
    PreparedQueryDelete,
    PreparedQuerySet,
    SessionCreate,
    SessionDestroy,
    Transaction,
)
from lictor_core.errors import PermissionDeniedError
from lictor_server.acl.needs_of_writes import NEEDS_OF_WRITES
from tests.server import build
from tests.server.acl.world import IDS, judge_of, world

_STORE: Final = world()
_UNKNOWN: Final = "99999999-0000-4000-8000-000000000000"
_KEYS: Final = """
key "a/1" { policy = "write" } key_prefix "b/" { policy = "write" } key "b/secret" { policy = "read" }
key_prefix "c/" { policy = "write" }
"""
_SESSION: Final = 'session "na" { policy = "write" }'
_WEB: Final = 'service "web" { policy = "write" }'
_TO_WEB: Final = 'service "web" { policy = "read" intentions = "write" }'
_TO_ALL: Final = 'service_prefix "" { policy = "read" intentions = "write" }'
_TO_MOST: Final = _TO_ALL + ' service "x" { policy = "read" }'
_QUERY: Final = 'query "q" { policy = "write" } query_prefix "p" { policy = "read" }'
_OPERATOR: Final = 'operator = "write"'


def _may(policy: str, command: Command) -> bool:
    require = NEEDS_OF_WRITES[type(command)].require
    assert require is not None
    try:
        require(_STORE, judge_of(policy), command)
    except PermissionDeniedError:
        return False
    return True


def _intention(source: str, destination: str, id: str = _UNKNOWN) -> IntentionSet:
    return IntentionSet(intention=build.intention(source, destination, id=id))


def _query(name: str, id: str = _UNKNOWN) -> PreparedQuerySet:
    return PreparedQuerySet(query=build.prepared_query(name, id=id))


def test_every_command_has_a_row_and_nothing_else_has() -> None:
    assert set(get_args(Command)) == set(NEEDS_OF_WRITES)


def test_only_transactions_and_what_servers_alone_write_is_not_judged_as_a_whole() -> None:
    for kind, need in NEEDS_OF_WRITES.items():
        assert (need.require is None) == (kind is Transaction or need.said.startswith("servers alone")), kind


@pytest.mark.parametrize(
    ("policy", "command", "allowed"),
    [
        (_KEYS, KVSet(key="a/1", value=b""), True),
        (_KEYS, KVSet(key="a/2", value=b"", cas=0), False),
        (_KEYS, KVSet(key="b/secret", value=b"", acquire=IDS["sa"]), False),
        (_KEYS, KVDelete(key="b/1"), True),
        (_KEYS, KVDelete(key="b/secret"), False),
        (_KEYS, KVDeleteTree(prefix="c/"), True),
        (_KEYS, KVDeleteTree(prefix="c"), False),
        (_KEYS, KVDeleteTree(prefix="b/"), False),
        (_KEYS, KVDeleteTree(prefix=""), False),
        (_SESSION, SessionCreate(session=build.session(_UNKNOWN, node="na")), True),
        (_SESSION, SessionCreate(session=build.session(_UNKNOWN, node="nb")), False),
        (_SESSION, SessionDestroy(id=IDS["sa"]), True),
        (_SESSION, SessionDestroy(id=IDS["sb"]), False),
        (_SESSION, SessionDestroy(id=_UNKNOWN), True),
        (_WEB, _intention("a", "web"), False),
        (_TO_WEB, _intention("a", "web"), True),
        (_TO_WEB, _intention("web", "zz"), False),
        (_TO_WEB, _intention("a", "*"), False),
        (_TO_WEB, _intention("web", "web", IDS["web-db"]), False),
        (_TO_ALL, _intention("a", "*"), True),
        (_TO_MOST, _intention("a", "*"), False),
        (_TO_MOST, _intention("web", "db", IDS["web-db"]), True),
        (_TO_WEB, IntentionDelete(id=IDS["web-db"]), False),
        (_TO_WEB, IntentionDelete(id=IDS["db-web"]), True),
        (_TO_WEB, IntentionDelete(id=_UNKNOWN), True),
        (_WEB, build.config("service-defaults", "web"), True),
        (_WEB, build.config("service-defaults", "db"), False),
        (_WEB, build.config("service-resolver", "web", {"Redirect": {"Service": "db"}}), False),
        (_WEB, ConfigDelete(kind="service-resolver", name="web"), True),
        (_OPERATOR, build.config("proxy-defaults", "global"), True),
        (_OPERATOR, ConfigDelete(kind="ingress-gateway", name="gw"), True),
        (_QUERY, _query("q"), True),
        (_QUERY, _query("q1"), False),
        (_QUERY, _query("p1"), False),
        (_QUERY, _query(""), True),
        (_QUERY, PreparedQuerySet(query=build.template("")), False),
        (_QUERY, _query("q", IDS["qweb"]), False),
        (_QUERY, PreparedQueryDelete(id=IDS["qweb"]), False),
        (_QUERY, PreparedQueryDelete(id=IDS["nameless"]), True),
        (_QUERY, PreparedQueryDelete(id=_UNKNOWN), True),
        ('event "dep" { policy = "write" }', EventFire(event=build.event(_UNKNOWN, "dep")), True),
        ('event "dep" { policy = "write" }', EventFire(event=build.event(_UNKNOWN, "deploy")), False),
        (_OPERATOR, AutopilotSet(config=AutopilotConfiguration()), True),
        ('operator = "read"', AutopilotSet(config=AutopilotConfiguration()), False),
        ('node "na" { policy = "write" }', CoordinatesSet(updates=[build.placed("na", 1.0)]), True),
        ('node "na" { policy = "read" }', CoordinatesSet(updates=[build.placed("na", 1.0)]), False),
    ],
    ids=lambda one: str(one)[:60],
)  # fmt: skip
def test_a_write_is_judged_as_by_the_real_consul(policy: str, command: Command, allowed: bool) -> None:
    assert _may(policy, command) is allowed


def test_a_denial_says_what_lacks() -> None:
    require = NEEDS_OF_WRITES[KVSet].require
    assert require is not None
    with pytest.raises(PermissionDeniedError, match="'key:write' on \"zz\""):
        require(_STORE, judge_of(_KEYS), msgspec.structs.replace(KVSet(key="zz", value=b"")))
