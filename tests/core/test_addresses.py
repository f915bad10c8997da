"""Host and port as one text."""

from __future__ import annotations

import pytest

from lictor_core.addresses import join_host_port, split_host_port, split_ip_port
from lictor_core.errors import RequestError


@pytest.mark.parametrize(
    ("host", "text"), [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80"), ("web.local", "web.local:80"), ("", ":80")]
)
def test_only_an_ipv6_address_stands_in_brackets(host: str, text: str) -> None:
    assert join_host_port(host, 80) == text


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("h", ("h", 8301)),
        ("h:1", ("h", 1)),
        ("::1", ("::1", 8301)),
        ("[::1]", ("::1", 8301)),
        ("[::1]:99", ("::1", 99)),
    ],
)
def test_a_port_that_is_not_named_is_the_usual_one(text: str, split: tuple[str, int]) -> None:
    assert split_host_port(text, 8301) == split


@pytest.mark.parametrize("text", ["", ":1", "h:x", "h:0", "h:65536", "[]:1", "[::1", "[::1]x", "[::1]8300"])
def test_text_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        split_host_port(text, 8301)


@pytest.mark.parametrize(
    ("text", "split"),
    [("192.0.2.1", ("192.0.2.1", 53)), ("[::1]:99", ("::1", 99)), ("fe80::1%eth0", ("fe80::1%eth0", 53))],
)
def test_an_ip_address_may_have_a_port(text: str, split: tuple[str, int]) -> None:
    assert split_ip_port(text, 53) == split


@pytest.mark.parametrize("text", ["h", "h:53", "0.0.0.0", "::", "[::]:53", "192.0.2", "192.0.2.1:0", ""])
def test_what_is_no_address_of_somebody_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        split_ip_port(text, 53)
