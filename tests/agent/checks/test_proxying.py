"""Which requests go through a proxy of the environment."""

from __future__ import annotations

import pytest

from lictor_agent.checks.http_message import MessageError, target_of
from lictor_agent.checks.proxying import Proxy, proxy_for

_PROXY = "proxy.example:3128"


def _goes_through(url: str, no_proxy: str) -> bool:
    return proxy_for(target_of(url), {"HTTP_PROXY": _PROXY, "NO_PROXY": no_proxy}) is not None


def test_each_scheme_has_its_own_proxy() -> None:
    environment = {"HTTP_PROXY": "http://one:81", "https_proxy": "two"}
    assert proxy_for(target_of("http://web.example/"), environment) == Proxy("one:81", "")
    assert proxy_for(target_of("https://web.example/"), environment) == Proxy("two:80", "")
    assert proxy_for(target_of("http://web.example/"), {}) is None


def test_a_proxy_is_told_who_asks() -> None:
    proxy = proxy_for(target_of("http://web.example/"), {"HTTP_PROXY": "http://u:p%40@[::1]:8"})
    assert proxy == Proxy("[::1]:8", "Proxy-Authorization: Basic dTpwQA==\r\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://127.9.9.9/", "http://[::1]/", "http://localhost/"])
def test_this_machine_is_never_asked_through_a_proxy(url: str) -> None:
    assert not _goes_through(url, "")


@pytest.mark.parametrize(
    ("no_proxy", "straight"),
    [
        ("*", True),
        ("example", True),
        (".example", True),
        ("web.example", True),
        ("web.example:80", True),
        ("other, web.example ", True),
        ("web.example:81", False),
        (".web.example", False),
        ("eb.example", False),
        ("10.0.0.0/8", False),
        ("", False),
    ],
)
def test_exceptions_are_names_and_what_is_below_them(no_proxy: str, straight: bool) -> None:
    assert _goes_through("http://web.example/", no_proxy) is not straight


@pytest.mark.parametrize(
    ("no_proxy", "straight"),
    [("10.0.0.0/8", True), ("10.1.2.3", True), ("10.1.2.4", False), ("11.0.0.0/8", False), ("10.0.0.0/x", False)],
)
def test_exceptions_are_addresses_and_networks(no_proxy: str, straight: bool) -> None:
    assert _goes_through("http://10.1.2.3/", no_proxy) is not straight


@pytest.mark.parametrize("proxy", ["socks5://s:secret@one", "https://one", "http://", "http://one:x"])
def test_a_proxy_of_another_kind_is_refused_without_its_password(proxy: str) -> None:
    with pytest.raises(MessageError, match="HTTP_PROXY must be an http:// URL") as caught:
        proxy_for(target_of("http://web.example/"), {"HTTP_PROXY": proxy})
    assert "secret" not in str(caught.value)
