"""Which prepared query runs under a name."""

import pytest

from lictor_core.errors import RequestError
from lictor_core.prepared_names import PreparedNames
from tests.support.catalog import make_query

WEB = make_query("Web", id="A")
ALL = make_query("", "${name.full}", id="b", template=True)
GEO = make_query("geo-", "${name.suffix}", id="c", template=True)
DEEP = make_query("geo-db-", "${name.suffix}", id="d", template=True)
NAMELESS = make_query("", "web", id="e")


def found(names: PreparedNames, wanted: str) -> str | None:
    query = names.resolve(wanted)
    return None if query is None else query.id


def test_names_and_ids_are_found_whatever_their_case() -> None:
    names = PreparedNames([WEB, NAMELESS])
    assert [found(names, wanted) for wanted in ("web", "WEB", "a", "E", "we", "")] == ["A", "A", "A", "e", None, None]


def test_a_name_comes_before_templates_and_the_longest_prefix_before_others() -> None:
    names = PreparedNames([ALL, GEO, DEEP, WEB])
    wanted = ("geo-db-x", "GEO-x", "geo", "web", "webs", "")
    assert [found(names, one) for one in wanted] == ["d", "c", "b", "A", "b", "b"]
    assert names.catch_all is ALL


def test_a_template_is_filled_in() -> None:
    query = PreparedNames([GEO]).render("geo-db")
    assert query is not None
    assert query.service.service == "db"
    assert PreparedNames([GEO]).render("db") is None


def test_a_template_is_not_asked_for_by_its_id() -> None:
    with pytest.raises(RequestError, match="geo-"):
        PreparedNames([GEO]).resolve("C")


def test_what_is_removed_is_not_found() -> None:
    names = PreparedNames([WEB, GEO, NAMELESS])
    for query in (WEB, GEO, NAMELESS):
        assert names.has_like(query)
        names.remove(query)
        assert not names.has_like(query)
    assert len(names) == 0
    assert [found(names, wanted) for wanted in ("web", "geo-x", "e")] == [None, None, None]


def test_a_name_has_one_holder() -> None:
    names = PreparedNames([WEB, GEO])
    assert (names.holder("WEB"), names.holder("geo-"), names.holder("geo")) == (WEB, GEO, None)
