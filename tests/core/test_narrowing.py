"""Narrow questions are answered from wide ones."""

from __future__ import annotations

from lictor_core.narrowing import base_of, has_pairs, has_tags, narrowed
from lictor_core.queries import KeyQuery, NodesQuery, ServiceHealthQuery, ServiceInstancesQuery
from lictor_core.records import ServiceHealth
from tests.server import build


def row(id: str, *, tags: list[str], status: str = "passing", rack: str = "1") -> ServiceHealth:
    return ServiceHealth(
        node=build.node(meta={"rack": rack}),
        service=build.service(id=id, tags=tags),
        checks=[build.check(status=status)],
    )


ROWS = [row("s1", tags=["v1", "Blue"]), row("s2", tags=["v2"], status="warning"), row("s3", tags=[], rack="2")]


def ids(query: ServiceHealthQuery) -> list[str]:
    return [one.service.id for one in narrowed(query, ROWS)]


def test_health_is_narrowed_by_tags_metadata_and_status() -> None:
    assert ids(ServiceHealthQuery(service="web", tags=("blue",))) == ["s1"]
    assert ids(ServiceHealthQuery(service="web", tags=("blue", "v2"))) == []
    assert ids(ServiceHealthQuery(service="web", node_meta=(("rack", "2"),))) == ["s3"]
    assert ids(ServiceHealthQuery(service="web", passing=True)) == ["s1", "s3"]


def test_a_question_for_everything_gets_the_same_list() -> None:
    assert narrowed(ServiceHealthQuery(service="web"), ROWS) is ROWS


def test_all_narrow_questions_about_a_service_have_one_wide_one() -> None:
    wide = ServiceHealthQuery(service="web")
    assert base_of(ServiceHealthQuery(service="WEB", tags=("a",), passing=True)) == wide
    assert base_of(ServiceHealthQuery(service="web", connect=True)) != wide
    assert base_of(ServiceInstancesQuery(service="Web", tags=("a",))) == ServiceInstancesQuery(service="web")


def test_what_is_sorted_by_distance_and_what_has_no_filter_is_its_own_wide_question() -> None:
    near = ServiceHealthQuery(service="web", near="n1")
    assert base_of(near) is near
    assert base_of(KeyQuery(key="Web")) == KeyQuery(key="Web")


def test_wide_and_narrow_have_the_same_topics() -> None:
    narrow = ServiceHealthQuery(service="Web", passing=True, connect=True)
    assert base_of(narrow).topics() == narrow.topics()


def test_filters_ask_for_every_pair_and_every_tag() -> None:
    assert has_pairs(None, ())
    assert not has_pairs(None, (("a", "b"),))
    assert not has_pairs({"a": "b"}, (("a", "b"), ("c", "d")))
    assert has_tags(["A"], ("a",))
    assert not has_tags([], ("a",))


def test_a_filter_is_applied_beside_the_other_choices() -> None:
    assert ids(ServiceHealthQuery(service="web", filter="v1 in Service.Tags or Node.Meta.rack == 2")) == ["s1", "s3"]
    assert ids(ServiceHealthQuery(service="web", filter="Checks.Status == warning", passing=True)) == []


def test_the_wide_question_has_no_filter() -> None:
    assert base_of(ServiceHealthQuery(service="web", filter="x")) == ServiceHealthQuery(service="web")
    assert base_of(NodesQuery(near="n1", filter="x")) == NodesQuery(near="n1")
