"""Permissions as they are written, kept and read back."""

from __future__ import annotations

import pytest
from hypothesis import given

from lictor_core.entries.base import as_json
from lictor_core.entries.permissions import PERMISSIONS_MAX, Permission, read_jwt, read_permissions
from lictor_core.errors import RequestError
from tests.core.entries.build import flaws
from tests.core.requests import permissions

KIND = "service-intentions"


def flaws_of(http: dict[str, object]) -> list[str]:
    permission = {"Action": "allow", "HTTP": http}
    found = flaws(KIND, {"Sources": [{"Name": "web", "Permissions": [permission]}]}, "db")
    return [one.removeprefix("Sources[0].Permissions[0].HTTP.") for one in found]


def test_headers_have_one_form_and_expressions_that_compile() -> None:
    headers = [
        {"Name": "a", "Contains": "x", "IgnoreCase": True},
        {"Name": "b", "Contains": "x", "Exact": "y"},
        {"Name": "c", "Regex": "("},
        {"Name": "d", "Present": True, "IgnoreCase": True},
    ]
    assert flaws_of({"Header": headers}) == ["Header[1]", "Header[2].Regex", "Header[3].IgnoreCase"]
    assert flaws_of({"PathRegex": "(?=a)"}) == ["PathRegex"]


def test_permissions_of_one_source_are_bounded() -> None:
    one = {"Action": "deny", "HTTP": {"PathExact": "/"}}
    for count, expected in ((PERMISSIONS_MAX, []), (PERMISSIONS_MAX + 1, ["Sources[0].Permissions"])):
        assert flaws(KIND, {"Sources": [{"Name": "web", "Permissions": [one] * count}]}, "db") == expected


@given(permissions)
def test_what_is_kept_is_read_back(written: tuple[Permission, ...]) -> None:
    assert read_permissions([as_json(one) for one in written]) == written


@pytest.mark.parametrize(
    "written",
    [
        "all",
        [1],
        [{"Action": "allow", "HTTP": {"PathExact": "/", "Body": "x"}}],
        [{"Action": "maybe", "HTTP": {"PathExact": "/"}}],
        [{"HTTP": {"PathExact": "/"}}],
    ],
)
def test_permissions_of_unknown_form_are_told_apart(written: object) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_permissions(written)


@pytest.mark.parametrize("written", ["okta", {}, {"Providers": []}, {"Providers": [{"Name": "a", "Kid": "b"}]}])
def test_demands_of_unknown_form_are_told_apart(written: object) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read_jwt(written)
    assert read_jwt(None) is None
