"""HCL and JSON as agent files use them, with lines; any text is a document or one error."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lictor_config.hcl import SyntaxProblem, parse_hcl, parse_json
from tests.support.strategies import json_values

HCL = {
    "": {},
    "a = 1": {"a": 1},
    '"a" = "b"': {"a": "b"},
    "a = true\nb = false": {"a": True, "b": False},
    "a = -1 b = 0x1F c = 1.5 d = 1e3": {"a": -1, "b": 31, "c": 1.5, "d": 1000.0},
    'service { name = "a" port = 80 }': {"service": {"name": "a", "port": 80}},
    'ttl { "*" = "5s" }': {"ttl": {"*": "5s"}},
    'service "web" { port = 1 }': {"service": {"web": {"port": 1}}},
    "s { a = 1 }\ns { b = 2 }\ns { c = 3 }": {"s": [{"a": 1}, {"b": 2}, {"c": 3}]},
    "s { a = 1 }\ns = [{ b = 2 }]\ns { c = 3 }": {"s": [{"a": 1}, {"b": 2}, {"c": 3}]},
    "s = { a = 1 }\ns = { b = 2 }": {"s": [{"a": 1}, {"b": 2}]},
    "a = [1]\na = [2, 3]": {"a": [1, 2, 3]},
    "a = [1]\na = 2": {"a": 2},
    "a = 1\na = [2]": {"a": [2]},
    "a = [1, 2,]": {"a": [1, 2]},
    "a = [{ x = 1 }, { x = 2 }]": {"a": [{"x": 1}, {"x": 2}]},
    "a = { x = 1, y = 2 }": {"a": {"x": 1, "y": 2}},
    "# one\n// two\n/* three\n four */ a = 1 # five": {"a": 1},
    "a = <<EOF\none\n  two\nEOF\n": {"a": "one\n  two\n"},
    "a = <<-EOF\n    one\n      two\n    EOF\n": {"a": "one\n  two\n"},
    r'a = "tab\t quote\" back\\ \u00e4 \x41"': {"a": 'tab\t quote" back\\ ä A'},
    'a = "${not} a template {{ GetPrivateIP }}"': {"a": "${not} a template {{ GetPrivateIP }}"},
    'a = "${say "hi"}"': {"a": '${say "hi"}'},
    "a = 1\na = 2": {"a": 2},
    "\ufeffa = 1\r\nb = 2\r\n": {"a": 1, "b": 2},
    "a-b.c = 1": {"a-b.c": 1},
}
BAD_HCL = {
    "a": "line 1: expected a key, found the end of the file",
    "a = ": "line 1: expected a value, found the end of the file",
    "\n\na = }": "line 3: expected a value, found }",
    "a { b = 1": "line 1: expected a key, found the end of the file",
    'a = "open': "line 1: the string that begins here does not end on its line",
    'a = "open\n"': "line 1: the string that begins here does not end on its line",
    "/* open": "line 1: the comment that begins here does not end",
    "a = <<X\nfoo": "line 1: the text that begins with <<X does not end",
    "a: 1": "line 1: expected a key, found :",
    "a = [1 2]": "line 1: expected ',' or ']', found 2",
    "a = b": "line 1: expected a value, found b",
    "a = null": "line 1: expected a value, found null",
    "a = $": "line 1: unexpected character '$'",
    '{"a": 1}': "line 1: expected a key, found {",
    "}": "line 1: expected a key, found }",
    "a = 1" + "0" * 50: "line 1: the number 1" + "0" * 39 + "... is too long",
    "a = " + "[" * 100: "line 1: nested deeper than 64 levels",
    "a {" * 100: "line 1: nested deeper than 64 levels",
}
BAD_JSON = {
    "": "expected '{'",
    "[]": "expected '{'",
    '{"a": 1,}': "comma",
    '{"a": [1,]}': "comma",
    '{"a" 1}': "expected ':'",
    '{"a": 1 "b": 2}': "expected ','",
    '{"a": tru}': "expected a value",
    '{"a": 1} x': "expected the end",
    "{a: 1}": "expected a key",
    '{"a": 1': "expected",
}


@pytest.mark.parametrize(("text", "values"), HCL.items())
def test_hcl_is_read(text: str, values: object) -> None:
    assert parse_hcl(text).values == values


@pytest.mark.parametrize(("text", "message"), BAD_HCL.items())
def test_bad_hcl_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_hcl(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("text", "message"), BAD_JSON.items())
def test_bad_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(SyntaxProblem, match=message):
        parse_json(text)


def test_every_key_has_its_line() -> None:
    text = 'a = 1\nservice {\n  name = "x"\n  check {\n    ttl = "5s"\n  }\n}\nb = [\n  1,\n  2\n]\n'
    lines = parse_hcl(text).lines
    assert lines[("a",)] == 1
    assert lines[("service",)] == 2
    assert lines[("service", "check", "ttl")] == 5
    assert lines[("b", 1)] == 10


def test_keys_of_repeated_blocks_have_their_lines() -> None:
    lines = parse_hcl("s {\n a = 1\n}\ns {\n a = 2\n}").lines
    assert lines[("s", 0, "a")] == 2
    assert lines[("s", 1, "a")] == 5


def test_items_of_repeated_lists_have_their_lines() -> None:
    lines = parse_hcl("s {\n a = 1\n}\ns = [\n{ a = 2 }\n]\ns = [\n{ a = 3 }\n]").lines
    assert [lines[("s", number, "a")] for number in range(3)] == [2, 5, 8]


def test_of_equal_keys_in_json_the_last_holds() -> None:
    assert parse_json('{"a": [1], "a": [2]}').values == {"a": [2]}


def test_a_heredoc_counts_its_lines() -> None:
    assert parse_hcl("a = <<EOF\n1\n2\nEOF\nb = 1").lines[("b",)] == 5


@given(st.dictionaries(st.text(max_size=8), json_values(), max_size=4))
@example({"args": "${", "b": "}"})
def test_json_is_read_as_the_standard_library_reads_it(values: dict[str, object]) -> None:
    assert parse_json(json.dumps(values)).values == values
    assert parse_json(json.dumps(values, ensure_ascii=False, indent=2)).values == values


@given(st.text(alphabet=st.sampled_from('ab1.-"\\${}[]=,:<#/*\n \t'), max_size=60) | st.text(max_size=40))
def test_any_text_is_a_document_or_one_error(text: str) -> None:
    for parse in (parse_hcl, parse_json):
        with contextlib.suppress(SyntaxProblem):
            parse(text)


def test_many_unfinished_templates_take_no_long_time() -> None:
    with pytest.raises(SyntaxProblem):
        parse_hcl('a = "' + "${x" * 2_000)
    with pytest.raises(SyntaxProblem):
        parse_hcl('a = "' + "${x}" * 2_000)
    with pytest.raises(SyntaxProblem):
        parse_hcl('a = "' + "${" * 200_000)


def test_many_repeated_blocks_take_no_long_time() -> None:
    text = "".join(f"a{number} {{ b {{}}\n b {{}} }}\n" for number in range(10_000))
    document = parse_hcl(text)
    assert document.lines[("a9999", "b", 0)] == 19_999
    assert document.lines[("a9999", "b", 1)] == 20_000


@pytest.mark.parametrize("escape", ["\\ud800", "\\U0000d800", "\\U0000dfff"])
def test_half_a_character_becomes_a_whole_one(escape: str) -> None:
    assert parse_hcl(f'a = "{escape}"').values == {"a": "\ufffd"}
