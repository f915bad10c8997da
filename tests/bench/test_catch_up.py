"""A new server catches up in processes of their own, by a snapshot or by the log."""

import pytest

from lictor_bench.catch_up import measure


@pytest.mark.slow
@pytest.mark.parametrize("is_log_kept", [False, True], ids=["snapshot", "log"])
def test_a_new_server_has_all_in_the_end(is_log_kept: bool) -> None:
    seen = measure(20_000, is_log_kept=is_log_kept)
    assert seen.installed is not is_log_kept
    assert seen.took_s > 0
    assert seen.pass_s > 0
