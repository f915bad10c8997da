"""The term and the vote survive, or are known to be lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lictor_core.errors import DataDamagedError
from lictor_server.raft.term_vote import TermVote, load_term_vote, save_term_vote


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(term=st.integers(0, 2**63), voted_for=st.none() | st.text())
def test_what_was_kept_is_loaded(tmp_path: Path, term: int, voted_for: str | None) -> None:
    kept = TermVote(term=term, voted_for=voted_for)
    save_term_vote(tmp_path / "vote", kept)
    assert load_term_vote(tmp_path / "vote") == kept


def test_a_new_directory_holds_none(tmp_path: Path) -> None:
    assert load_term_vote(tmp_path / "vote") is None


def test_any_flipped_byte_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "vote"
    save_term_vote(path, TermVote(term=3, voted_for="n1"))
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(DataDamagedError, match="vote cannot be used"):
            load_term_vote(path)


def test_a_vote_that_was_cut_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "vote"
    save_term_vote(path, TermVote(term=3, voted_for="n1"))
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(DataDamagedError):
            load_term_vote(path)
