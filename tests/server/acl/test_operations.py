import pytest

from lictor_core.transactions import CheckOperation, KeyOperation, NodeOperation, Operation, ServiceOperation
from lictor_server.acl.operations import denied_operations
from tests.server import build
from tests.server.acl.world import judge_of, world

_STORE = world()
_POLICY = """
key "a/1" { policy = "write" } key_prefix "b/" { policy = "write" } key "b/secret" { policy = "read" }
node "na" { policy = "write" } service "web" { policy = "write" }
"""


def _denied(operation: Operation) -> bool:
    return bool(denied_operations(_STORE, judge_of(_POLICY), [operation]))


@pytest.mark.parametrize("verb", ["set", "cas", "lock", "unlock", "delete", "delete-cas", "check-not-exists"])
def test_a_key_is_written_by_who_may_write_it(verb: str) -> None:
    assert not _denied(KeyOperation(verb=verb, key="a/1"))
    assert _denied(KeyOperation(verb=verb, key="zz"))
    assert _denied(KeyOperation(verb=verb, key="b/secret"))


@pytest.mark.parametrize("verb", ["check-index", "check-session", "never heard"])
def test_a_key_is_looked_at_by_who_may_read_it(verb: str) -> None:
    assert not _denied(KeyOperation(verb=verb, key="b/secret"))
    assert _denied(KeyOperation(verb=verb, key="zz"))


def test_a_tree_is_deleted_by_who_may_write_all_of_it() -> None:
    assert _denied(KeyOperation(verb="delete-tree", key="b/"))
    assert not _denied(KeyOperation(verb="delete-tree", key="b/x/"))


def test_what_is_got_is_filtered_not_denied() -> None:
    assert not _denied(KeyOperation(verb="get", key="zz"))
    assert not _denied(NodeOperation(verb="get", node=build.node("nb")))


def test_nodes_and_instances_are_written_by_who_may_write_them() -> None:
    assert not _denied(NodeOperation(verb="set", node=build.node("na")))
    assert _denied(NodeOperation(verb="delete", node=build.node("nb")))
    assert not _denied(ServiceOperation(verb="set", node="nb", service=build.service("web", id="web2")))
    assert _denied(ServiceOperation(verb="set", node="na", service=build.service("db", id="db2")))


def test_an_instance_is_not_taken_over_without_permission_for_what_it_was() -> None:
    assert _denied(ServiceOperation(verb="set", node="na", service=build.service("web", id="db1")))


def test_a_check_belongs_to_its_instance_or_to_its_node() -> None:
    assert not _denied(CheckOperation(verb="set", check=build.check("nc", node="na")))
    assert _denied(CheckOperation(verb="set", check=build.check("nc", node="nb")))
    assert not _denied(CheckOperation(verb="set", check=build.check("webc", service_id="web1", node="nb")))
    assert _denied(CheckOperation(verb="set", check=build.check("dbc", service_id="db1", node="na")))


def test_who_writes_a_node_deletes_every_check_on_it() -> None:
    assert not _denied(CheckOperation(verb="delete", check=build.check("dbc", node="na")))
    assert _denied(CheckOperation(verb="delete", check=build.check("dbc", node="nb")))


def test_every_operation_that_is_denied_is_told_of() -> None:
    operations = [KeyOperation(verb="set", key=key) for key in ("a/1", "y", "z")]

    assert [one.position for one in denied_operations(_STORE, judge_of(_POLICY), operations)] == [1, 2]
