"""Templates of prepared queries, filled in for a name."""

from __future__ import annotations

import msgspec
import pytest

from lictor_core.errors import RequestError
from lictor_core.prepared import QueryTemplate
from lictor_core.query_templates import FILLED_CHARS_MAX, check_template, rendered
from tests.server.build import prepared_query, template


def test_a_query_that_is_no_template_is_left_alone() -> None:
    query = prepared_query("q", service="${name.full}")
    assert rendered(query, "other") is query
    check_template(query)


def test_each_text_of_the_service_is_filled_in_and_nothing_else() -> None:
    query = template("geo-", service="${name.full}", tags=["${name.suffix}", "${match(1)}"], regexp="^geo-(.)")
    query = msgspec.structs.replace(query, token="${name.full}")
    filled = rendered(query, "geo-db")
    assert (filled.service.service, filled.service.tags) == ("geo-db", ["db", "d"])
    assert (filled.token, filled.name) == ("${name.full}", "geo-")
    assert filled.service.node_meta is None


def test_empty_tags_stay_unless_they_shall_go() -> None:
    query = template("geo", service="web", tags=["", "${match(1)}", "x"])
    assert rendered(query, "geo").service.tags == ["", "", "x"]
    cleaned = msgspec.structs.replace(query, template=msgspec.structs.replace(query.template, remove_empty_tags=True))
    assert rendered(cleaned, "geo").service.tags == ["x"]


def test_a_group_that_took_no_part_is_empty() -> None:
    assert rendered(template("", service="<${match(1)}${match(2)}>", regexp="(a)|(b)"), "b").service.service == "<b>"


@pytest.mark.parametrize("pattern", ["(", "a{10000}{10000}", "\\"])
def test_an_expression_that_is_none_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(RequestError, match="Bad Regexp"):
        check_template(template("t", service="web", regexp=pattern))


def test_an_unknown_kind_of_template_is_refused() -> None:
    other = QueryTemplate(type="suffix", regexp="", remove_empty_tags=False)
    with pytest.raises(RequestError, match=r"'suffix'.*'name_prefix_match'"):
        check_template(msgspec.structs.replace(prepared_query("q"), template=other))


def test_what_is_filled_in_is_bounded_over_all_texts_whatever_name_is_asked_for() -> None:
    long = template("", service="${name.full}", tags=["${name.full}" * 100] * 5)
    check_template(long)
    assert len(rendered(long, "x" * 100).service.service) == 100
    with pytest.raises(RequestError, match="characters that are left for it"):
        rendered(long, "x" * (FILLED_CHARS_MAX // 500))


def test_a_template_that_is_longer_than_what_is_filled_in_is_refused() -> None:
    with pytest.raises(RequestError, match=f"{FILLED_CHARS_MAX} characters"):
        check_template(template("t", service="${name.full}" * (FILLED_CHARS_MAX // 12 + 1)))
    check_template(template("t", service="x" * (FILLED_CHARS_MAX + 1)))
