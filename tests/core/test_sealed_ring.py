"""The bounds of what is handed on as a ring."""

from __future__ import annotations

import pytest

from lictor_core.errors import RequestError
from lictor_core.keyring import KEYS_MAX
from lictor_core.sealed_ring import BOX_BYTES_MAX, check_boxes


def test_a_ring_comes_in_a_few_boxes_of_some_bytes() -> None:
    check_boxes({str(number): bytes(BOX_BYTES_MAX) for number in range(KEYS_MAX)})


@pytest.mark.parametrize(
    "boxes",
    [{}, {str(number): b"x" for number in range(KEYS_MAX + 1)}, {"a": bytes(BOX_BYTES_MAX + 1)}, {"a" * 65: b""}],
)
def test_anything_else_is_refused(boxes: dict[str, bytes]) -> None:
    with pytest.raises(RequestError):
        check_boxes(boxes)
