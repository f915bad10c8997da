"""Requests as bytes, and where redirects lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_agent.checks.http_message import (
    HttpRequest,
    MalformedError,
    MessageError,
    redirected,
    request_bytes,
    target_of,
)

_HERE = "http://here.example:81/a/b?c=d"


def _sent(request: HttpRequest) -> list[str]:
    return request_bytes(request, target_of(request.url)).decode().split("\r\n")


def test_a_request_says_what_is_needed() -> None:
    assert _sent(HttpRequest("GET", _HERE, {"X-A": ("1", "2")})) == [
        "GET /a/b?c=d HTTP/1.1",
        "Host: here.example:81",
        "X-A: 1",
        "X-A: 2",
        "Accept-Encoding: gzip",
        "Connection: close",
        "",
        "",
    ]


def test_a_host_of_ones_own_and_an_encoding_of_ones_own_are_sent() -> None:
    sent = _sent(HttpRequest("GET", _HERE, {"Host": ("other.example",), "Accept-Encoding": ("br",)}))
    assert sent[1:3] == ["Host: other.example", "Accept-Encoding: br"]
    assert "Accept-Encoding: gzip" not in sent
    assert _sent(HttpRequest("GET", _HERE, {"host": ("other.example",)}))[1:3] == [
        "Host: other.example",
        "Accept-Encoding: gzip",
    ]


@pytest.mark.parametrize(("method", "body", "length"), [("POST", b"", "0"), ("GET", b"xy", "2"), ("PUT", b"x", "1")])
def test_the_length_of_a_body_is_told(method: str, body: bytes, length: str) -> None:
    assert f"Content-Length: {length}" in _sent(HttpRequest(method, _HERE, {}, body))


@pytest.mark.parametrize(
    ("url", "address", "authority", "path"),
    [
        ("http://h", "h:80", "h", "/"),
        ("https://h/", "h:443", "h", "/"),
        ("http://[::1]:8/x", "[::1]:8", "[::1]:8", "/x"),
        ("http://h/a b?c d#e", "h:80", "h", "/a%20b?c%20d"),
        ("http://h/%41%zz", "h:80", "h", "/%41%zz"),
        ("HTTP://H/", "h:80", "h", "/"),
        ("http://u:p@h:1", "h:1", "h:1", "/"),
        ("http://h?q", "h:80", "h", "/?q"),
    ],
)
def test_a_url_names_an_address_and_a_path(url: str, address: str, authority: str, path: str) -> None:
    target = target_of(url)
    assert (target.address, target.authority, target.path) == (address, authority, path)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://h/", 'unsupported protocol scheme "ftp"'),
        ("http:///x", "http: no Host in request URL"),
        ("http://h:99999/", "dial tcp: address 99999: invalid port"),
        ("127.0.0.1:80/x", 'parse "127.0.0.1:80/x": first path segment in URL cannot contain colon'),
        ("/x", 'unsupported protocol scheme ""'),
        ("", 'unsupported protocol scheme ""'),
    ],
)
def test_what_is_no_url_of_http_is_refused(url: str, reason: str) -> None:
    with pytest.raises(MessageError) as caught:
        target_of(url)
    assert str(caught.value) == reason


@pytest.mark.parametrize("method", ["GET /x", "", "G\r\nX: y"])
def test_what_is_no_method_is_refused(method: str) -> None:
    with pytest.raises(MalformedError, match="invalid method"):
        request_bytes(HttpRequest(method, _HERE, {}), target_of(_HERE))


@given(
    st.text("ab/?#: \r\n\t\x00é", max_size=8),
    st.sampled_from(["X-A", "Host", "accept-encoding", "X A", "X-A:", "X\r\nY"]),
    st.text("ab: \r\n\t\x00é", max_size=8),
)
def test_nothing_smuggles_a_line_into_a_request(path: str, name: str, value: str) -> None:
    try:
        target = target_of(f"http://h/{path}")
        sent = request_bytes(HttpRequest("GET", _HERE, {name: (value,)}), target)
    except MessageError:
        return
    head, end, rest = sent.partition(b"\r\n\r\n")
    assert (end, rest) == (b"\r\n\r\n", b"")
    lines = head.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line or b"\x00" in line for line in lines)
    assert len(lines) == (5 if name == "X-A" else 4)


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (301, "POST", "GET"),
        (302, "PUT", "GET"),
        (303, "POST", "GET"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
def test_a_redirect_keeps_its_method_only_where_it_says_so(status: int, method: str, expected: str) -> None:
    again = redirected(HttpRequest(method, _HERE, {}, b"body"), target_of(_HERE), status, "../x")
    assert again is not None
    assert (again.method, again.url) == (expected, "http://here.example:81/x")
    assert again.body == (b"body" if status > 303 else b"")
    assert again.headers == {"Referer": (_HERE,)}


@pytest.mark.parametrize("status", [200, 204, 300, 304, 305, 404])
def test_other_answers_are_answers(status: int) -> None:
    assert redirected(HttpRequest("GET", _HERE, {}), target_of(_HERE), status, "/x") is None


def test_a_redirect_that_leads_nowhere_is_told() -> None:
    with pytest.raises(MessageError, match="302 response missing Location header"):
        redirected(HttpRequest("GET", _HERE, {}), target_of(_HERE), 302, "")
    assert redirected(HttpRequest("GET", _HERE, {}), target_of(_HERE), 307, "") is None


@pytest.mark.parametrize("location", ["http://[bad", "//[", "http://\u2100.example/"])
def test_a_redirect_to_what_is_no_url_is_told(location: str) -> None:
    with pytest.raises(MessageError, match="failed to parse Location header"):
        redirected(HttpRequest("GET", _HERE, {}), target_of(_HERE), 302, location)


@pytest.mark.parametrize(
    ("location", "keeps"),
    [
        ("/x", True),
        ("https://here.example/x", True),
        ("http://deeper.here.example/", True),
        ("http://there.example/", False),
        ("http://nothere.example/", False),
    ],
)
def test_secrets_go_to_no_other_host(location: str, keeps: bool) -> None:
    headers = {"Authorization": ("s",), "Cookie": ("c",), "Host": ("h",), "X-A": ("1",)}
    again = redirected(HttpRequest("GET", _HERE, headers), target_of(_HERE), 302, location)
    assert again is not None
    assert ("Authorization" in again.headers, "Cookie" in again.headers) == (keeps, keeps)
    assert again.headers["X-A"] == ("1",)
    assert "Host" not in again.headers


def test_a_referer_carries_no_password_and_leaves_https_alone() -> None:
    request = HttpRequest("GET", "https://u:p@here.example/a", {})
    again = redirected(request, target_of(request.url), 302, "/b")
    assert again is not None
    assert again.headers == {"Referer": ("https://here.example/a",)}
    plain = redirected(request, target_of(request.url), 302, "http://here.example/b")
    assert plain is not None
    assert plain.headers == {}
