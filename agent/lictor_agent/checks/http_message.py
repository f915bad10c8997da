"""Requests of HTTP checks as bytes, and where a redirect leads, as Go's client does both.

Pure. Sources: RFC 9112 for the form, RFC 9110 section 15.4 for redirects; what they leave open is what Consul 1.8.7
sends. Everything that could smuggle a line into a request is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

__all__ = [
    "HttpRequest",
    "MalformedError",
    "MessageError",
    "Target",
    "redirected",
    "request_bytes",
    "target_of",
]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = "%/:=&?~#+!$,;'@()*[]"
_TARGETS_MAX: Final = 8_192
"""URLs whose parts are remembered: checks ask the same ones time and again."""
_SECRETS: Final = frozenset({"authorization", "www-authenticate", "cookie", "cookie2"})
"""Headers that go to no other host than the one they were meant for."""
_SEE_OTHER: Final = frozenset({301, 302, 303})
_REPEAT: Final = frozenset({307, 308})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class MessageError(ValueError):
    """A request that cannot be sent; its text is ready to be shown."""


class MalformedError(MessageError):
    """One that is none at all: Go's client says so without naming method and URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: `address` is the `host:port` to dial, `authority` what the request says of it."""

    is_https: bool
    host: str
    address: str
    authority: str
    path: str
    credentials: str = ""
    """User and password, as a header carries them; empty for none."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Headers are sent under their names as they are written, but mean the same in any case."""

    method: str
    url: str
    headers: Mapping[str, tuple[str, ...]]
    body: bytes = b""


@lru_cache(maxsize=_TARGETS_MAX)
def target_of(url: str) -> Target:
    """What a URL names. Raises `MessageError`."""
    parts = _split(url)
    if parts.scheme not in _PORTS:
        raise MessageError(f'unsupported protocol scheme "{parts.scheme}"')
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        number = parts.netloc.rpartition(":")[2]
        raise MessageError(f"dial tcp: address {number}: invalid port") from None
    if not host:
        raise MessageError("http: no Host in request URL")
    shown = f"[{host}]" if ":" in host else host
    path = quote(parts.path or "/", safe=_SAFE.replace("?", "").replace("#", ""))
    return Target(
        is_https=parts.scheme == "https",
        host=host,
        address=f"{shown}:{_PORTS[parts.scheme] if port is None else port}",
        authority=shown if port is None else f"{shown}:{port}",
        path=f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path,
        credentials=_basic(parts),
    )


def request_bytes(request: HttpRequest, target: Target, *, absolute: bool = False, extra: str = "") -> bytes:
    """The request as it is sent. `absolute` names the whole URL, as a proxy wants it. Raises `MessageError`.

    `extra` is further headers, each with its line end.
    """
    if not _TOKEN.fullmatch(request.method):
        raise MalformedError(f'net/http: invalid method "{request.method}"')
    given = {name.lower(): values for name, values in request.headers.items()}
    host = (given.get("host") or (target.authority,))[0]
    resource = f"http://{target.authority}{target.path}" if absolute else target.path
    lines = [f"{request.method} {resource} HTTP/1.1", f"Host: {host}"]
    if target.credentials and "authorization" not in given:
        lines.append(f"Authorization: {target.credentials}")
    for name, values in request.headers.items():
        if name.lower() == "host":
            continue
        if not _TOKEN.fullmatch(name):
            raise MessageError(f'net/http: invalid header field name "{name}"')
        lines += [f"{name}: {value}" for value in values]
    if request.body or request.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(request.body)}")
    if "accept-encoding" not in given:
        lines.append("Accept-Encoding: gzip")
    lines.append("Connection: close")
    for line in lines:
        if not _VALUE.fullmatch(line):
            raise MessageError(f"net/http: invalid header field value for {line.partition(':')[0]}")
    head = "\r\n".join(lines) + "\r\n" + extra + "\r\n"
    return head.encode("utf-8", "surrogateescape") + request.body


def redirected(request: HttpRequest, first: Target, status: int, location: str) -> HttpRequest | None:
    """The request that an answer of this status asks for, None where it asks for none.

    `first` is where the first request of all went: what is secret goes only there, and to names below it. Raises
    `MessageError` where the answer does not say where to go.
    """
    if status not in _SEE_OTHER and (status not in _REPEAT or not location):
        return None
    if not location:
        raise MessageError(f"{status} response missing Location header")
    try:
        url = urljoin(request.url, location)
    except ValueError as error:
        raise MessageError(f'failed to parse Location header "{location}": {error}') from None
    headers = {name: values for name, values in request.headers.items() if name.lower() != "host"}
    if url.partition(":")[0].lower() in _PORTS:  # another scheme is refused when it is asked
        host = target_of(url).host
        if host != first.host and not host.endswith("." + first.host):
            headers = {name: values for name, values in headers.items() if name.lower() not in _SECRETS}
    if (referer := _referer(request.url, url)) and "Referer" not in headers:
        headers["Referer"] = (referer,)
    again = replace(request, url=url, headers=headers)
    if status in _SEE_OTHER:
        return replace(again, method="HEAD" if request.method == "HEAD" else "GET", body=b"")
    return again


def _split(url: str) -> SplitResult:
    scheme, colon, _ = url.partition(":")
    if not colon or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.\-]*", scheme):
        if colon and "/" not in scheme:
            raise MalformedError(f'parse "{url}": first path segment in URL cannot contain colon')
        raise MessageError('unsupported protocol scheme ""')
    try:
        return urlsplit(url)
    except ValueError as error:
        raise MalformedError(f'parse "{url}": {error}') from None


def _basic(parts: SplitResult) -> str:
    if parts.username is None and parts.password is None:
        return ""
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _referer(last: str, following: str) -> str:
    if last.startswith("https:") and not following.startswith("https:"):
        return ""
    parts = urlsplit(last)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
