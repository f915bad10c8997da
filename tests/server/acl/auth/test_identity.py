"""Whom a rule chooses, and what becomes of its name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lictor_core.errors import AclRefusedError, RequestError
from lictor_core.filter.fields import Field, Kind
from lictor_server.acl.auth.identity import Identity, Shape, check_selector, filled_in, is_selected

SHAPE = Shape(
    fields={
        "value": Field(Kind.RECORD, "value", {"name": Field(Kind.TEXT, "name")}),
        "list": Field(Kind.RECORD, "list", {"groups": Field(Kind.TEXTS, "groups")}),
    },
    variables=("value.name",),
)
BOB = Identity(
    SimpleNamespace(value=SimpleNamespace(name="bob"), list=SimpleNamespace(groups=("a", "b"))), {"value.name": "bob"}
)


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("", True),
        ("value.name == bob", True),
        ("value.name != bob", False),
        ("value.name matches `^b.b$`", True),
        ("a in list.groups and not (c in list.groups)", True),
        ("c in list.groups", False),
        ("list.groups is empty or value.name == eve", False),
    ],
)
def test_selectors_are_filters_over_the_identity(selector: str, chosen: bool) -> None:
    check_selector(selector, SHAPE)
    assert is_selected(selector, SHAPE, BOB) is chosen


@pytest.mark.parametrize("selector", ["value.other == x", "bad bad", "value == x", "list.groups == a", "x" * 9000])
def test_what_chooses_by_nothing_there_is_refused_and_chooses_nobody(selector: str) -> None:
    with pytest.raises(AclRefusedError, match=r"^invalid Binding Rule: "):
        check_selector(selector, SHAPE)
    assert not is_selected(selector, SHAPE, BOB)


def test_names_are_filled_in() -> None:
    assert filled_in("a-${ value.name }-$$", BOB.variables) == "a-bob-$"
    for wrong in ("${value.other}", "${value.name", "${match(1)}"):
        with pytest.raises(RequestError):
            filled_in(wrong, BOB.variables)
    with pytest.raises(RequestError, match="longer than"):
        filled_in("${value.name}" * 100, {"value.name": "x" * 100})
