"""Every answer can be taken apart into rows and put together again."""

from __future__ import annotations

import typing
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lictor_core.codec import pack
from lictor_core.errors import RequestError
from lictor_core.queries import AnyQuery, IntentionMatchQuery, Query, ServicesQuery, answer_type
from lictor_core.rows import shape_of
from tests.support.strategies import values_of

QUERIES = cast("tuple[type[Query[object]], ...]", typing.get_args(AnyQuery))


@pytest.mark.parametrize("kind", QUERIES, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_an_answer_survives_being_taken_apart_and_sent(kind: type[Query[object]], data: st.DataObject) -> None:
    query = data.draw(values_of(kind))
    answer = data.draw(values_of(answer_type(kind)))
    shape = shape_of(query)
    sent = [shape.decode(pack(row)) for row in shape.split(answer)]
    assert shape.join(sent) == answer


@pytest.mark.parametrize("kind", QUERIES, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_rows_have_keys_for_sets(kind: type[Query[object]], data: st.DataObject) -> None:
    query = data.draw(values_of(kind))
    shape = shape_of(query)
    answer = data.draw(values_of(answer_type(kind)))
    assert all(hash(shape.key(row)) is not None for row in shape.split(answer))


def test_a_mapping_has_a_row_for_each_name() -> None:
    shape = shape_of(ServicesQuery())
    assert list(shape.split({"web": ["v1"], "db": []})) == [("web", ["v1"]), ("db", [])]


def test_bytes_of_another_kind_are_refused() -> None:
    with pytest.raises(RequestError):
        shape_of(IntentionMatchQuery(by="source", name="web")).decode(pack({"a": 1}))
