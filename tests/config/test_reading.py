"""Typed reading finds every problem in one pass and names its place."""

import pytest

from lictor_config.reading import CHILDREN_MAX, PROBLEMS_MAX, Dialect, Problem, Reader, path_text


def problems(reader: Reader) -> list[str]:
    return [str(problem) for problem in reader.problems]


@pytest.mark.parametrize("key", ["tls_skip_verify", "TLSSkipVerify", "tlsskipverify", "TLS_SKIP_VERIFY"])
def test_keys_are_found_in_any_case_with_or_without_underscores(key: str) -> None:
    reader = Reader({key: True})
    assert reader.boolean("tls_skip_verify") is True
    reader.done()
    assert reader.problems == []


def test_null_is_the_same_as_absent() -> None:
    reader = Reader({"a": None, "b": None})
    assert reader.text("a", "default") == "default"
    assert reader.child("b") is None
    reader.done()
    assert reader.problems == []


def test_all_problems_are_found_in_one_pass() -> None:
    reader = Reader({"text": 1, "flag": "yes", "number": 1.5, "list": ["a", 2], "map": {"a": 1}, "x": 1})
    reader.text("text")
    reader.boolean("flag")
    reader.integer("number")
    reader.texts("list")
    reader.text_map("map")
    reader.done()
    assert problems(reader) == [
        "text: must be a string, not the number 1",
        'flag: must be true or false, not the string "yes"',
        "number: must be a whole number, not the number 1.5",
        "list[1]: must be a string, not the number 2",
        "map.a: must be a string, not the number 1",
        "x: unknown key",
    ]


def test_true_is_no_number() -> None:
    reader = Reader({"a": True, "b": True})
    assert reader.integer("a", 7) == 7
    assert reader.number("b", 7.0) == 7.0
    assert len(reader.problems) == 2


def test_a_whole_float_is_a_whole_number() -> None:
    assert Reader({"a": 80.0}).integer("a") == 80
    assert Reader({"a": float("inf")}).integer("a", 3) == 3


def test_durations_are_text_in_files_and_also_nanoseconds_over_http() -> None:
    assert Reader({"a": "1m"}).duration("a") == 60
    assert Reader({"a": 1_500_000_000}, dialect=Dialect.HTTP).duration("a") == 1.5
    reader = Reader({"a": 5})
    assert reader.duration("a", 9.0) == 9.0
    assert "10s" in problems(reader)[0]


def test_one_block_in_a_file_stands_for_a_list_of_one() -> None:
    assert [child.text("a") for child in Reader({"x": {"a": "1"}}).children("x")] == ["1"]
    reader = Reader({"x": {"a": "1"}}, dialect=Dialect.HTTP)
    assert reader.children("x") == []
    assert problems(reader) == ["x: must be a list, not a mapping"]


def test_a_list_of_one_mapping_in_a_file_stands_for_the_mapping() -> None:
    two: list[object] = [{"x": 1}, {"x": 2}]
    reader = Reader({"connect": [{"enabled": True}], "meta": [{"a": "b"}], "free": [{"x": 1}], "two": two})
    child = reader.child("connect")
    assert child is not None
    assert child.boolean("enabled")
    assert reader.text_map("meta") == {"a": "b"}
    assert reader.free("free") == {"x": 1}
    assert reader.child("two") is None
    assert problems(reader) == ["two: must be a mapping, not a list"]
    assert Reader({"connect": [{"enabled": True}]}, dialect=Dialect.HTTP).child("connect") is None


def test_the_place_of_a_nested_problem_is_its_path() -> None:
    nothing: list[object] = []
    reader = Reader({"services": [{}, {"check": {"ttl": nothing}}]})
    check = reader.children("services")[1].child("check")
    assert check is not None
    check.duration("ttl")
    assert problems(reader) == ["services[1].check.ttl: must be a duration such as 10s, not a list"]


def test_an_unknown_key_over_http_is_named_as_it_was_written() -> None:
    reader = Reader({"Bogus": 1}, dialect=Dialect.HTTP)
    reader.done()
    assert reader.problems == [Problem(("Bogus",), 'json: unknown field "Bogus"')]


def test_long_values_are_cut_in_messages() -> None:
    reader = Reader({"a": "x" * 1000})
    reader.integer("a")
    assert len(problems(reader)[0]) < 100


def test_paths_are_written_with_dots_and_brackets() -> None:
    assert path_text(("a", 0, "b", 1)) == "a[0].b[1]"
    assert path_text(()) == ""


def test_an_unsigned_number_has_64_bits() -> None:
    assert Reader({"a": 2**64 - 1}).unsigned("a") == 2**64 - 1
    assert Reader({}).unsigned("a") == 0
    for wrong in (-1, 2**64, 1.5, "1", True):
        reader = Reader({"a": wrong})
        assert reader.unsigned("a") == 0
        assert len(reader.problems) == 1


def test_no_more_problems_are_kept_than_are_told() -> None:
    reader = Reader(
        {"meta": {f"k{number}": 1 for number in range(5000)}, **{f"x{number}": 1 for number in range(5000)}}
    )
    reader.text_map("meta")
    reader.done()
    assert len(reader.problems) == PROBLEMS_MAX + 1
    assert problems(reader)[-1] == f"more than {PROBLEMS_MAX} things are wrong: mend these first"


def test_a_long_key_is_cut_where_it_stands_before_others() -> None:
    reader = Reader({"header": {"k" * 100_000: [1, 2]}, "y" * 100_000: 1}, dialect=Dialect.HTTP)
    reader.texts_map("header")
    reader.done()
    assert len(reader.problems) == 3
    assert max(map(len, problems(reader))) < 300


def test_a_body_of_more_parts_than_are_read_in_one_go_is_refused_and_a_file_is_not() -> None:
    parts: dict[str, object] = {
        "list": [{}] * (CHILDREN_MAX + 1),
        "named": {str(n): {} for n in range(CHILDREN_MAX + 1)},
    }
    body = Reader(parts, dialect=Dialect.HTTP)
    assert (body.children("list"), body.named_children("named")) == ([], {})
    told = f"has {CHILDREN_MAX + 1} parts, at most {CHILDREN_MAX} are taken: send them one by one"
    assert problems(body) == [f"list: {told}", f"named: {told}"]
    file = Reader(parts)
    assert len(file.children("list")) == len(file.named_children("named")) == CHILDREN_MAX + 1
    assert file.problems == []
