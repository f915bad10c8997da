"""Predicates: what they find, beside a twin that knows no tables, and what they refuse."""

from __future__ import annotations

import re
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import FilterError
from lictor_core.filter.compiling import compile_filter
from lictor_core.filter.fields import OPERATORS, Field, Fields, Kind
from lictor_core.filter.parsing import parse
from lictor_core.filter.tables import HEALTH, SERVICE
from lictor_core.filter.tree import All, Either, Expression, Match, Not, Operator, Selector, Value
from lictor_core.limits import FILTER_PATTERNS_MAX
from lictor_core.records import Expose, ExposePath, MeshGateway, Proxy, Service, ServiceAddress, ServiceHealth, Upstream
from tests.core.filter.expressions import expressions
from tests.server import build


def service(
    *, meta: dict[str, str] | None = None, lan_port: int = 0, ports: tuple[int, ...] = (), **other: object
) -> Service:
    made = build.service(tags=cast("list[str]", other.pop("tags", [])))
    proxy = Proxy(
        upstreams=[
            Upstream(
                destination_type="",
                destination_name=f"to{port}",
                datacenter="",
                local_bind_port=port,
                config=None,
                mesh_gateway=MeshGateway(mode="local"),
            )
            for port in ports
        ],
        mesh_gateway=MeshGateway(),
        expose=Expose(checks=True, paths=[ExposePath(path="/h", parsed_from_check=False)]),
    )
    addresses = {"lan": ServiceAddress(address="192.0.2.1", port=lan_port)} if lan_port else None
    return msgspec.structs.replace(made, meta=meta, proxy=proxy, tagged_addresses=addresses, **other)


def finds(text: str, record: object, fields: Fields = SERVICE) -> bool:
    return compile_filter(parse(text), fields)(record)


WEB = service(meta={"env": "prod", "a-b": "c"}, lan_port=81, ports=(1, 2), tags=["v1", "blue"], port=80)
BARE = service()


@pytest.mark.parametrize(
    "text",
    [
        "Service == web",
        "Service != db",
        "Service contains e",
        '"" in Service',
        "Service not contains x",
        'Service matches "^w.b$"',
        "Service matches e",
        'Service not matches "^b"',
        'Kind == ""',
        "Port == 80",
        'Port == "0x50"',
        "Port != 81",
        "EnableTagOverride == false",
        "EnableTagOverride != T",
        "Tags contains v1",
        "v not in Tags",
        "Tags is not empty",
        "env in Meta",
        "prod not in Meta",
        "Meta is not empty",
        "Meta.env == prod",
        'Meta["a-b"] == c',
        "Meta.env matches `^p`",
        "Meta.nope != x",
        "x not in Meta.nope",
        "Meta.nope not matches x",
        "lan in TaggedAddresses",
        "TaggedAddresses.lan.Port == 81",
        "TaggedAddresses.wan.Port != 81",
        "Proxy.Upstreams is not empty",
        "Proxy.Upstreams.LocalBindPort == 2",
        "Proxy.Upstreams.LocalBindPort != 2",
        "Proxy.Upstreams.MeshGateway.Mode == local",
        "Proxy.Expose.Checks == 1",
        'Proxy.Expose.Paths.Path == "/h"',
        "Weights.Passing == 1",
        "Connect.Native == false",
    ],
)
def test_what_is_true_of_an_instance(text: str) -> None:
    assert finds(text, WEB)
    assert not finds(f"not {text}", WEB)


@pytest.mark.parametrize(
    "text",
    [
        "Meta.nope == x",
        "x in Meta.nope",
        "Meta.nope matches `.*`",
        "TaggedAddresses.wan.Port == 0",
        "v in Tags",
        "prod in Meta",
        "Port != 80",
        "Proxy.Upstreams is empty",
    ],
)
def test_what_is_false_of_an_instance(text: str) -> None:
    assert not finds(text, WEB)
    assert finds(f"not {text}", WEB)


@pytest.mark.parametrize(
    "text", ["Meta is empty", "x not in Meta", "Meta.x != y", "TaggedAddresses is empty", "TaggedAddresses.x.Port != 1"]
)
def test_a_mapping_that_is_not_there_is_empty(text: str) -> None:
    assert finds(text, BARE)


@pytest.mark.parametrize("text", ["Proxy.Upstreams.LocalBindPort == 1", "Proxy.Upstreams.LocalBindPort != 1"])
def test_of_an_empty_list_nothing_is_true(text: str) -> None:
    assert not finds(text, BARE)


def test_equalities_that_are_joined_by_or_are_one_look() -> None:
    joined = " or ".join(f"Port == {port}" for port in (1, 2, 80))
    assert finds(joined, WEB)
    assert not finds(joined, service(port=3))
    assert finds("Port == 1 or Service == web or Port == 2", WEB)
    assert finds("Meta.env == x or Meta.env == prod", WEB)
    assert not finds("Meta.env == x or Meta.env == prod", BARE)
    assert finds("Proxy.Upstreams.LocalBindPort == 9 or Proxy.Upstreams.LocalBindPort == 2", WEB)
    with pytest.raises(FilterError, match="character 22"):
        finds("Port == 1 or Port == red", WEB)
    with pytest.raises(FilterError, match="a list of texts"):
        finds("Tags == a or Tags == b", WEB)


def test_health_is_filtered_by_any_of_its_checks() -> None:
    checks = [build.check(status="passing"), build.check("c2", status="warning", notes="n")]
    row = ServiceHealth(node=build.node(meta={"rack": "1"}), service=WEB, checks=checks)
    assert finds("Checks.Status == warning and Checks.Status != warning", row, HEALTH)
    assert not finds("not Checks.Status == warning", row, HEALTH)
    assert finds("Node.Meta.rack == 1 and Service.Port == 80 and Checks.ServiceTags is empty", row, HEALTH)


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("Colour == red", 0, "there are Address, Connect"),
        ("Port == 1 or Servce == a", 13, 'did you mean "Service"'),
        ("Proxy.Upstream.LocalBindPort == 1", 0, 'did you mean "Proxy.Upstreams.LocalBindPort"'),
        ("Meta.a.b == c", 0, '"Meta.a.b"'),
        ("Service.x == c", 0, '"Service.x"'),
        ("Proxy.Config.x == c", 0, '"Proxy.Config.x"'),
        ("TaggedAddresses.lan.Zone == c", 0, 'did you mean "TaggedAddresses"'),
        ("Tags == x", 5, "a list of texts"),
        ("Meta == x", 5, "a mapping"),
        ("Port matches x", 5, "a number"),
        ("80 in Port", 3, '"==", "!="'),
        ("Service is empty", 8, "a text"),
        ("Proxy is empty", 6, "select one of its fields"),
        ("x in Proxy.Upstreams", 2, "a list of records"),
        ("TaggedAddresses.lan is empty", 20, "a record"),
        ("Port == red", 8, "a whole number"),
        ("Port == 80.0", 8, '"80.0"'),
        ("EnableTagOverride == yes", 21, "true or false"),
        ("Service matches `(`", 16, "RE2"),
        ("Service matches `(a)\\1`", 16, "RE2"),
        ("Service matches `(?=a)`", 16, "RE2"),
        ('Service matches "\\xff"', 16, "UTF-8"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_place_and_reason(text: str, at: int, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        finds(text, WEB)
    assert caught.value.at == at
    assert f"character {at + 1}: " in str(caught.value)
    assert said in str(caught.value)


def test_regular_expressions_are_bounded_in_number_and_size() -> None:
    one = 'Service matches "w"'
    assert finds(" and ".join([one] * FILTER_PATTERNS_MAX), WEB)
    with pytest.raises(FilterError, match="regular expressions"):
        finds(" and ".join([one] * (FILTER_PATTERNS_MAX + 1)), WEB)
    with pytest.raises(FilterError, match="too large"):
        finds(r"Service matches `(\pL{20}){40}`", WEB)


def test_a_pattern_that_other_engines_choke_on_takes_no_time() -> None:
    long = service(service="a" * 5000)
    assert not finds("Service matches `^(a+)+$` and Service matches `^(a|a)*b$`", long)


# The twin: it walks the record by the JSON names, and knows of kinds only what it sees.


def twin(expression: Expression, record: object) -> bool:
    match expression:
        case Not(term):
            return not twin(term, record)
        case All(terms):
            return [twin(term, record) for term in terms].count(False) == 0
        case Either(terms):
            return [twin(term, record) for term in terms].count(True) > 0
        case Match():
            return walk(record, expression.selector.names, expression)


def walk(found: object, names: tuple[str, ...], match: Match) -> bool:
    if not names:
        return judge(found, match)
    if isinstance(found, list):
        return any(walk(item, names, match) for item in cast("list[object]", found))
    if isinstance(found, msgspec.Struct):
        (name,) = [field.name for field in msgspec.structs.fields(found) if field.encode_name == names[0]]
        return walk(getattr(found, name), names[1:], match)
    mapping = cast("dict[str, object]", found or {})
    if names[0] in mapping:
        return walk(mapping[names[0]], names[1:], match)
    return "not" in match.operator.value.split() or match.operator is Operator.NOT_EQUAL


def judge(found: object, match: Match) -> bool:
    text = "" if match.value is None else match.value.text
    kind = type(found)
    held = cast("str", () if found is None or kind in (bool, int) else found)
    equal = str(found).lower() == text if kind in (bool, int) else found == text
    return {
        Operator.EQUAL: equal,
        Operator.NOT_EQUAL: not equal,
        Operator.IN: text in held,
        Operator.NOT_IN: text not in held,
        Operator.IS_EMPTY: not found,
        Operator.IS_NOT_EMPTY: bool(found),
        Operator.MATCHES: isinstance(found, str) and re.search(re.escape(text), found) is not None,
        Operator.NOT_MATCHES: isinstance(found, str) and re.search(re.escape(text), found) is None,
    }[match.operator]


WORDS = st.sampled_from(["", "a", "b", "web", "v1", "1", "80", "true", "local", "to1"])
VALUES = {Kind.NUMBER: st.sampled_from(["0", "1", "2", "80", "81"]), Kind.TRUTH: st.sampled_from(["true", "false"])}


@st.composite
def fitting_matches(draw: st.DrawFn) -> Match:
    """A match that the table of instances takes."""
    names: list[str] = []
    fields: Fields | None = SERVICE
    field = Field(Kind.RECORD, "", SERVICE)
    while fields is not None:
        name = draw(st.sampled_from(sorted(fields)))
        names.append(name)
        field = fields[name]
        fields = field.inner
        if not OPERATORS[field.kind] or (fields is not None and draw(st.booleans())):
            if field.kind is Kind.RECORD_BY_KEY:
                names.append(draw(st.sampled_from(["lan", "wan"])))
            continue
        break
    kind = field.kind
    if kind is Kind.TEXT_BY_KEY and draw(st.booleans()):
        names.append(draw(st.sampled_from(["a", "b"])))
        kind = Kind.TEXT
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if operator in (Operator.IS_EMPTY, Operator.IS_NOT_EMPTY):
        return Match(Selector(tuple(names)), operator)
    return Match(Selector(tuple(names)), operator, Value(draw(VALUES.get(kind, WORDS))))


RECORDS = st.builds(
    service,
    meta=st.none() | st.dictionaries(st.sampled_from(["a", "b"]), WORDS),
    lan_port=st.sampled_from([0, 80, 81]),
    ports=st.lists(st.sampled_from([1, 2]), max_size=2).map(tuple),
    tags=st.lists(WORDS, max_size=2),
    service=WORDS,
    port=st.sampled_from([0, 1, 80]),
    enable_tag_override=st.booleans(),
)


@given(expressions(fitting_matches()), RECORDS)
def test_a_predicate_judges_as_its_twin(expression: Expression, record: Service) -> None:
    assert compile_filter(expression, SERVICE)(record) == twin(expression, record)
