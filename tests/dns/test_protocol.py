"""Shapes of messages, as another hand reads them."""

from __future__ import annotations

import dns.flags
import dns.message
import pytest

from lictor_dns.protocol import HEADER, HEADER_BYTES, Flag, question_wire
from tests.dns.asking import name


def test_a_question_section_is_read_as_the_question() -> None:
    message = HEADER.pack(7, Flag.RECURSION_DESIRED, 1, 0, 0, 0) + question_wire(name("Web.service.consul"), 33)
    found = dns.message.from_wire(message)
    assert (found.id, [str(one) for one in found.question]) == (7, ["Web.service.consul. IN SRV"])
    assert len(message) - HEADER_BYTES == len("Web.service.consul") + 2 + 4


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        (Flag.RESPONSE, "QR"),
        (Flag.AUTHORITATIVE, "AA"),
        (Flag.TRUNCATED, "TC"),
        (Flag.RECURSION_DESIRED, "RD"),
        (Flag.RECURSION_AVAILABLE, "RA"),
        (Flag.CHECKING_DISABLED, "CD"),
    ],
)
def test_flags_stand_where_others_look_for_them(flag: int, text: str) -> None:
    assert dns.flags.to_text(flag) == text
