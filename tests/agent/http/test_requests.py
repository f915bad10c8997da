"""Request targets, query parameters and the options that all reads share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.errors import Refusal
from lictor_agent.http.requests import (
    CacheControl,
    Parameters,
    Request,
    cache_control,
    freshness,
    parse_bool,
    parse_unsigned,
    read_options,
    split_target,
)
from lictor_core.commands import ReadMode
from lictor_core.errors import RequestError
from lictor_core.keys import key_of
from lictor_core.limits import WAIT_DEFAULT_S, WAIT_MAX_S


def request(query: str = "", headers: dict[str, str] | None = None) -> Request:
    async def no_body(bytes_max: int) -> bytes:
        return b""

    async def no_parts(bytes_max: int) -> AsyncIterator[bytes]:
        for part in list[bytes]():
            yield part

    return Request(
        method="GET",
        path="/",
        tail="",
        parameters=Parameters(query),
        headers=headers or {},
        read_body=no_body,
        read_parts=no_parts,
    )


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_parameters_are_read_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    parameters = Parameters(urlencode(pairs))
    for name, _ in pairs:
        assert parameters.all(name) == tuple(value for other, value in pairs if other == name)


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_encoded_parameters_read_back_are_the_same(pairs: list[tuple[str, str]]) -> None:
    encoded = Parameters(urlencode(pairs)).encoded()
    assert sorted(parse_qsl(encoded, keep_blank_values=True)) == sorted(pairs)


def test_a_parameter_without_a_value_is_there_and_empty() -> None:
    parameters = Parameters("passing&tag=a&tag=b")
    assert "passing" in parameters
    assert parameters.get("passing") == ""
    assert parameters.all("tag") == ("a", "b")
    assert "none" not in parameters


def test_pairs_split_at_the_first_colon() -> None:
    assert Parameters("node-meta=b:1:2&node-meta=a").pairs("node-meta") == (("a", ""), ("b", "1:2"))


def test_a_percent_sign_that_escapes_nothing_is_refused_without_words() -> None:
    with pytest.raises(Refusal) as caught:
        Parameters("dc=%zz")
    assert (caught.value.status, str(caught.value)) == (500, "")


@given(st.text(min_size=1))
def test_any_path_is_read_as_it_was_escaped(path: str) -> None:
    assert split_target("/" + quote(path, safe="")) == ("/" + path, "")


def test_a_path_that_is_no_utf8_is_refused_unless_it_names_a_key() -> None:
    with pytest.raises(RequestError, match="not UTF-8"):
        split_target("/v1/catalog/node/%FF")
    assert split_target("/v1/kv/%FF?raw") == ("/v1/kv/" + key_of(b"\xff"), "raw")


def test_the_absolute_form_of_a_target_is_its_path() -> None:
    assert split_target("http://host:1/v1/kv/a?b") == ("/v1/kv/a", "b")
    assert split_target("*") == ("*", "")
    with pytest.raises(RequestError):
        split_target("host:1")


def test_a_target_has_no_fragment() -> None:
    assert split_target("/v1/kv/a#b?c#d") == ("/v1/kv/a#b", "c#d")


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("", ReadMode.DEFAULT),
        ("stale", ReadMode.STALE),
        ("consistent", ReadMode.CONSISTENT),
        ("max_stale=10s", ReadMode.STALE),
        ("max_stale=0s", ReadMode.DEFAULT),
        ("cached", ReadMode.DEFAULT),
    ],
)
def test_the_mode_is_what_the_parameters_say(query: str, mode: ReadMode) -> None:
    assert read_options(request(query)).mode is mode


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("stale&consistent", "Cannot specify ?stale with ?consistent, conflicting semantics."),
        ("cached&consistent", "Cannot specify ?cached with ?consistent, conflicting semantics."),
        ("index=x", "Invalid index"),
        ("index=-1", "Invalid index"),
        ("index=18446744073709551616", "Invalid index"),
        ("wait=10", "Invalid wait time"),
        ("max_stale=x", 'Invalid max_stale value "x"'),
    ],
)
def test_options_that_cannot_be_are_refused_with_400(query: str, text: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_options(request(query))
    assert (caught.value.status, str(caught.value)) == (400, text)


@pytest.mark.parametrize(
    ("query", "wait_s"),
    [
        ("", WAIT_DEFAULT_S),
        ("wait=1s", 1.0),
        ("wait=0s", WAIT_DEFAULT_S),
        ("wait=-1s", WAIT_DEFAULT_S),
        ("wait=3h", WAIT_MAX_S),
    ],
)
def test_the_wait_is_bounded(query: str, wait_s: float) -> None:
    assert read_options(request(query)).wait_s == wait_s


def test_cache_control_must_be_readable() -> None:
    assert read_options(request(headers={"Cache-Control": "max-age=30, must-revalidate, no-store"})).min_index == 0
    with pytest.raises(Refusal, match=r"Invalid Cache-Control header\."):
        read_options(request(headers={"Cache-Control": "max-age=soon"}))
    for control in ("max-age=", "max-age=1.5", "stale-if-error=red", "max-age=99999999999999999999"):
        with pytest.raises(Refusal, match=r"Invalid Cache-Control header\."):
            cache_control(request(headers={"Cache-Control": control}))


def test_freshness_overlooks_what_only_waits_need() -> None:
    asked = request("index=red&wait=red&stale")
    assert freshness(asked).mode is ReadMode.STALE
    with pytest.raises(Refusal):
        read_options(asked)


def test_a_token_comes_from_parameter_header_or_bearer_in_that_order() -> None:
    headers = {"X-Consul-Token": "header", "Authorization": "Bearer  bearer "}
    assert request("token=parameter", headers).token == "parameter"
    assert request("", headers).token == "header"
    assert request("", {"Authorization": "bearer  b "}).token == "b"
    assert request("", {"Authorization": "Basic b"}).token == ""


def test_truth_is_spelt_as_go_spells_it() -> None:
    assert [parse_bool(text) for text in ("1", "true", "T", "0", "FALSE", "yes", "")] == [
        True,
        True,
        True,
        False,
        False,
        None,
        None,
    ]


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_any_number_of_64_bits_is_read(number: int) -> None:
    assert parse_unsigned(str(number)) == number


@given(st.text().filter(lambda text: not (text.isascii() and text.isdigit())))
def test_anything_else_is_refused_with_500(text: str) -> None:
    with pytest.raises(Refusal) as caught:
        parse_unsigned(text)
    assert caught.value.status == 500


@pytest.mark.parametrize(
    ("header", "control"),
    [
        ("", CacheControl()),
        ("max-age=30", CacheControl(30)),
        ("Max-Age=30, stale-if-error=259200", CacheControl(30, 259200)),
        ("must-revalidate", CacheControl(0)),
        ("must-revalidate, max-age=30", CacheControl(0)),
        ("max-age=0", CacheControl(0)),
        ("no-cache", CacheControl()),
        ("must-revalidate=5", CacheControl()),
        ("max-age", CacheControl()),
        ("max-age = 5", CacheControl()),
        ("max-age=-1,stale-if-error=-1", CacheControl()),
        ("max-age=+5", CacheControl(5)),
    ],
)
def test_cache_control_says_which_ages_are_good(header: str, control: CacheControl) -> None:
    assert cache_control(request(headers={"Cache-Control": header})) == control


@pytest.mark.parametrize(
    ("query", "mode", "stale_s"),
    [
        ("", ReadMode.STALE, 10.0),
        ("index=1", ReadMode.STALE, 10.0),
        ("leader", ReadMode.DEFAULT, 0.0),
        ("cached", ReadMode.DEFAULT, 0.0),
        ("consistent", ReadMode.CONSISTENT, 0.0),
        ("stale", ReadMode.STALE, 0.0),
        ("max_stale=1s", ReadMode.STALE, 1.0),
    ],
)
def test_a_read_that_names_no_mode_has_the_default_of_the_configuration(
    query: str, mode: ReadMode, stale_s: float
) -> None:
    options = read_options(request(query), stale_s_default=10.0)
    assert (options.mode, options.max_stale_s) == (mode, stale_s)
