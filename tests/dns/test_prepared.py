"""What prepared queries find from a view: whom, how near, for how long, and what that depends on."""

import pytest

from lictor_core import topics
from lictor_core.errors import RequestError
from lictor_core.records import CRITICAL
from lictor_core.topics import Topic
from lictor_dns.clients import Asker, asker_of
from lictor_dns.prepared import Prepared, find_prepared
from lictor_dns.question import Edns
from tests.support.catalog import PlainCatalog, make_instance, make_node, make_query, make_service

HERE = asker_of("n0", ("10.0.0.2", 53), None)


def catalog_of(count: int) -> PlainCatalog:
    return PlainCatalog(
        [make_instance(make_service(), make_node(f"n{number}", f"10.0.0.{number}")) for number in range(count)]
    )


def find(catalog: PlainCatalog, name: str = "query", asker: Asker = HERE) -> tuple[Prepared, set[Topic]]:
    depends: set[Topic] = set()
    found = find_prepared(catalog, name, asker, depends.add)
    assert found is not None
    return found, depends


def nodes(found: Prepared) -> list[set[str]]:
    return [{instance.node.node for instance in run} for run in found.runs]


def test_a_query_that_is_not_there_depends_on_all_queries() -> None:
    depends: set[Topic] = set()
    assert find_prepared(catalog_of(1), "nobody", HERE, depends.add) is None
    assert depends == {topics.PREPARED_QUERIES}


def test_a_query_depends_on_itself_and_on_its_service() -> None:
    catalog = catalog_of(2)
    catalog.put_query(make_query())
    found, depends = find(catalog)
    assert nodes(found) == [{"n0", "n1"}]
    assert depends == {topics.PREPARED_QUERIES, topics.service("web")}
    assert not found.any_change


def test_a_query_for_the_mesh_finds_proxies() -> None:
    catalog = catalog_of(1)
    catalog.put(make_instance(make_service("web-proxy", proxy_of="web")))
    catalog.put_query(make_query(connect=True))
    found, depends = find(catalog)
    assert [instance.service.service for run in found.runs for instance in run] == ["web-proxy"]
    assert topics.connect("web") in depends


def test_a_check_that_is_ignored_leaves_nobody_out() -> None:
    catalog = PlainCatalog([make_instance(statuses=[CRITICAL])])
    catalog.put_query(make_query(ignored=["check-web"]))
    assert nodes(find(catalog)[0]) == [{"node-1"}]
    catalog.put_query(make_query())
    assert nodes(find(catalog)[0]) == []


def test_near_the_agent_is_near_its_node() -> None:
    catalog = catalog_of(3)
    for number in range(3):
        catalog.place(f"n{number}", number * 0.01)
    catalog.put_query(make_query(near="_agent"))
    found, depends = find(catalog)
    assert nodes(found) == [{"n0"}, {"n1"}, {"n2"}]
    assert topics.COORDINATES in depends
    assert not found.by_client


def test_near_the_client_is_near_the_node_with_its_address() -> None:
    catalog = catalog_of(3)
    catalog.put_query(make_query(near="_ip"))
    found, _ = find(catalog)
    assert nodes(found) == [{"n2"}, {"n0", "n1"}]
    assert (found.any_change, found.by_client) == (True, True)


def test_a_client_that_the_message_names_counts_and_is_in_the_message() -> None:
    catalog = catalog_of(3)
    catalog.put_query(make_query(near="_ip"))
    option = bytes((0, 1, 32, 0, 10, 0, 0, 1))
    found, _ = find(catalog, asker=asker_of("n0", ("10.0.0.2", 53), Edns(512, option)))
    assert nodes(found)[0] == {"n1"}
    assert not found.by_client


def test_near_nobody_all_are_equal() -> None:
    catalog = catalog_of(3)
    catalog.put_query(make_query(near="_ip"))
    assert nodes(find(catalog, asker=asker_of("n0", None, None))[0]) == [{"n0", "n1", "n2"}]


@pytest.mark.parametrize(
    ("ttl", "seconds"), [("", None), ("10s", 10), ("1500ms", 1), ("0s", 0), ("-3s", 0), ("soon", None)]
)
def test_a_time_to_live_is_of_whole_seconds(ttl: str, seconds: int | None) -> None:
    catalog = catalog_of(1)
    catalog.put_query(make_query(ttl=ttl))
    assert find(catalog)[0].ttl_s == seconds


def test_a_template_is_filled_in_for_the_name() -> None:
    catalog = catalog_of(1)
    catalog.put_query(make_query("to-", "${name.suffix}", template=True))
    assert find(catalog, "to-web")[0].service == "web"


def test_a_template_that_cannot_be_filled_in_is_refused() -> None:
    catalog = catalog_of(1)
    catalog.put_query(make_query("to-", "${name.suffix + 1}", template=True))
    with pytest.raises(RequestError):
        find_prepared(catalog, "to-web", HERE, lambda _: None)
