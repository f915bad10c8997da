"""Filters of lists, and templates of prepared queries, which clients write and servers apply. `FilterError`,
`RequestError`, in time that is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from lictor_core.errors import FilterError, RequestError
from lictor_core.filter import predicate
from lictor_core.filter.parsing import parse, render
from lictor_core.filter.tables import BY_NAME
from lictor_core.prepared import PreparedQuery, QueryDNS, QueryFailover, QueryService, QueryTemplate
from lictor_core.query_templates import check_template, rendered
from tests.fuzz.shaping import Choices
from tests.support.catalog import make_instance, make_node, make_service

_SURROGATES: Final = re.compile("[\ud800-\udfff]|\\\\")
"""Also what an escape may make of one."""
_TABLES: Final = tuple(BY_NAME)
_RECORD: Final = make_instance(
    make_service("web", tags=["v1", "prod"], port=80), make_node("n1", "10.0.0.1", meta={"k": "v"})
)


def run(data: bytes) -> None:
    """A filter of one table, or a template and a name."""
    choices = Choices(data)
    if choices.byte() < 180:
        _filter(choices)
    else:
        _template(choices)


def _filter(choices: Choices) -> None:
    table = choices.among(_TABLES)
    text = choices.rest().decode("utf-8", "surrogateescape")
    try:
        tree = parse(text)
    except FilterError as error:
        str(error).encode(errors="replace")
        return
    if not _SURROGATES.search(text) and "not" not in text:  # what `render` does not promise to write again
        assert render(parse(render(tree))) == render(tree), "a filter that is written again is another one"
    try:
        found = predicate(text, table)
        if table == "health":
            found(_RECORD)
    except FilterError:
        return


def _template(choices: Choices) -> None:
    size = choices.byte()
    pattern, text = (choices.some(size).decode("utf-8", "replace") for _ in range(2))
    name = choices.rest().decode("utf-8", "replace")
    query = PreparedQuery(
        id="",
        name=name[: choices.byte()],
        session="",
        token="",
        template=QueryTemplate(type="name_prefix_match", regexp=pattern, remove_empty_tags=True),
        service=QueryService(
            service=text,
            failover=QueryFailover(nearest_n=0, datacenters=[text]),
            only_passing=False,
            ignore_check_ids=None,
            near=text,
            tags=[text, "${match(1)}"],
            node_meta={text: text},
            service_meta=None,
            connect=False,
        ),
        dns=QueryDNS(ttl=text),
        create_index=0,
        modify_index=0,
    )
    try:
        check_template(query)
        rendered(query, name)
    except RequestError:
        return


def seeds() -> Iterable[bytes]:
    """Filters that use each operator, and templates."""
    for number in range(len(_TABLES)):
        head = bytes([0, number])
        yield head + b'Service.Meta.env == "prod" and "v1" in Service.Tags or not Node.Node matches `n[0-9]+`'
        yield head + b'(Node.Meta["k"] != v and Service.Port == 0x50) or Checks is not empty'
        yield head + b'ID == "\\x41\\u00e9\\U0001f600" and "a" not in ServiceTags'
        yield head + b"not " * 70 + b"Node is empty"
        yield head + b"(" * 80 + b"Node is empty" + b")" * 80
    yield b"\xff\x10" + b"^(.*)-(.*)$     " + b"${match(1)}-${name.full}" + b"web-db"
    yield b"\xff\x08" + b"(.+)    " + b"${match(" + b"0)}"
