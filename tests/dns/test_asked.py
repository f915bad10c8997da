"""Questions as people word them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lictor_core.errors import RequestError
from lictor_dns.asked import type_number, type_text, worded
from lictor_dns.names import text_of
from tests.dns.asking import question


@pytest.mark.parametrize("payload", [None, 1232])
def test_it_is_what_a_client_would_send(payload: int | None) -> None:
    made = worded("Web.service.consul.", "srv", payload=payload or 0)
    assert made.question == question("Web.service.consul", "SRV", payload=payload)
    assert made.is_udp


def test_a_subnet_goes_along_as_clients_send_it() -> None:
    made = worded("web.service.consul", subnet="192.0.2.77/20")
    assert made.question.edns is not None
    assert made.question.edns.client_subnet == bytes([0, 1, 20, 0, 192, 0, 0])
    wide = worded("web.service.consul", subnet="2001:db8::/32").question.edns
    assert wide is not None
    assert wide.client_subnet == bytes([0, 2, 32, 0, 0x20, 0x01, 0x0D, 0xB8])


@pytest.mark.parametrize(("text", "number"), [("A", 1), ("txt", 16), ("HTTPS", 65), ("TYPE65280", 65280), ("33", 33)])
def test_types_have_names_and_numbers(text: str, number: int) -> None:
    assert type_number(text) == number
    assert type_number(type_text(number)) == number


@pytest.mark.parametrize("text", ["", "NOSUCH", "TYPE", "TYPE65536", "TYPE-1", "70000", "TYPE²"])
def test_other_types_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="no type of DNS records"):
        type_number(text)


@pytest.mark.parametrize("name", ["", ".", "a..b", "a" * 64, ".".join(["abcdefgh"] * 40)])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="no DNS name"):
        worded(name)


def test_what_cannot_be_said_by_edns_is_refused() -> None:
    with pytest.raises(RequestError, match="payload"):
        worded("web.service.consul", payload=65536)
    with pytest.raises(RequestError, match="subnet"):
        worded("web.service.consul", subnet="here")


@given(st.text(max_size=300), st.text(max_size=10))
def test_any_text_is_a_question_or_refused(name: str, kind: str) -> None:
    try:
        made = worded(name, kind)
    except RequestError:
        return
    assert text_of(made.question.labels) == name.removesuffix(".")
