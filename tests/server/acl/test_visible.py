"""What is seen of each kind of answer is in `test_needs_of_reads`; here what stands between the kinds."""

from lictor_core.prepared import Execution, QueryDNS
from lictor_core.records import AddressHolder, AddressHolders
from lictor_server.acl.visible import execution_left, holders_left, query_name
from tests.server import build
from tests.server.acl.world import judge_of, world

_NA_WEB = judge_of('node "na" { policy = "read" } service "web" { policy = "read" }')


def test_runs_of_an_execution_are_shorter_by_what_is_not_seen() -> None:
    rows = [*world().health.of("web"), *world().health.of("db")]
    found = Execution(service="web", rows=rows, runs=[1, 2, 1], dns=QueryDNS(ttl=""), datacenter="dc1")

    left = execution_left(_NA_WEB, found)

    assert [(row.node.node, row.service.service) for row in left.rows] == [("na", "web")]
    assert left.runs == [1]


def test_holders_of_an_address_are_seen_one_by_one() -> None:
    def holders(*names: str) -> list[AddressHolder]:
        return [AddressHolder(name=name, datacenter="dc1") for name in names]

    left = holders_left(_NA_WEB, AddressHolders(nodes=holders("na", "nb"), services=holders("web", "db")))

    assert left == AddressHolders(nodes=holders("na"), services=holders("web"))


def test_a_template_without_a_name_is_spoken_of_by_the_empty_one() -> None:
    assert query_name(build.prepared_query("")) is None
    assert query_name(build.template("")) == ""
    assert query_name(build.prepared_query("q")) == "q"
