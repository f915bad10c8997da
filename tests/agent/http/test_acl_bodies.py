"""Bodies of access control become records; problems are noted, whatever is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.http.acl_bodies import (
    read_auth_method,
    read_binding_rule,
    read_legacy,
    read_login,
    read_policy,
    read_role,
    read_token,
)
from lictor_config.reading import Dialect, Reader
from lictor_core.acl.records import Link
from tests.support.strategies import json_values

_NAMES = (
    "AccessorID", "Policies", "ServiceIdentities", "NodeIdentities", "Local", "ExpirationTTL", "ExpirationTime",
    "Datacenters", "Config", "MaxTokenTTL", "Meta", "Name", "Rules", "Other",
)  # fmt: skip
_BODIES = st.dictionaries(st.sampled_from(_NAMES), json_values(), max_size=6)


def _reader(body: dict[str, object]) -> Reader:
    return Reader(body, dialect=Dialect.HTTP)


def test_names_ignore_case_and_what_the_registry_gives_is_passed_over() -> None:
    reader = _reader({"accessorid": "a", "policies": [{"id": "1"}, {"Name": "n"}], "Hash": "x", "CreateIndex": 7})
    token, ends_in_s = read_token(reader)
    assert reader.problems == []
    assert (token.accessor_id, token.policies, token.hash, token.create_index) == (
        "a",
        (Link(id="1"), Link(id="", name="n")),
        "",
        0,
    )
    assert ends_in_s is None


@pytest.mark.parametrize(("ttl", "seconds"), [("90s", 90.0), (90_000_000_000, 90.0), ("0s", None), ("-1h", -3600.0)])
def test_an_end_is_counted_from_now(ttl: object, seconds: float | None) -> None:
    assert read_token(_reader({"ExpirationTTL": ttl}))[1] == seconds


@pytest.mark.parametrize(
    ("text", "is_sound"),
    [
        ("2030-01-01T00:00:00Z", True),
        ("2030-01-01T00:00:00.123456789+01:00", True),
        ("soon", False),
        ("2030-01-01", False),
        ("2030-01-01T00:00:00", False),
    ],
)
def test_a_time_has_a_zone(text: str, is_sound: bool) -> None:
    reader = _reader({"ExpirationTime": text})
    token, _ = read_token(reader)
    assert (token.expiration_time == text, not reader.problems) == (is_sound, is_sound)


def test_a_time_that_was_never_set_is_none() -> None:
    assert read_token(_reader({"ExpirationTime": "0001-01-01T00:00:00Z"}))[0].expiration_time == ""


def test_a_duration_is_kept_as_go_writes_it() -> None:
    assert read_auth_method(_reader({"MaxTokenTTL": "90s"})).max_token_ttl == "1m30s"


@given(_BODIES)
def test_any_object_is_read_without_an_error(body: dict[str, object]) -> None:
    for read in (read_token, read_policy, read_role, read_auth_method, read_binding_rule, read_login):
        read(_reader(body))
    read_legacy(_reader(body), is_update=True)
