from __future__ import annotations

from lictor_bench import ca


async def test_server_signs_what_is_asked_for_and_tells_what_it_cost() -> None:
    per_s, held_ms = await ca.signed_by_server("ec", 256, 2 * ca.AT_ONCE)
    assert per_s > 20
    assert 0 <= held_ms < 10_000
