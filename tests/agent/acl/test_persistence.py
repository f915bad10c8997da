"""The file that keeps the tokens told over the API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lictor_agent.acl.persistence import FILE, TokenFile
from lictor_agent.acl.slots import Slot
from lictor_core.errors import StorageError


def test_a_file_of_consul_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"replication":"abc","agent_master":"abc","agent":"root-secret"}')
    assert TokenFile(tmp_path).read() == {
        Slot.REPLICATION: "abc", Slot.AGENT_RECOVERY: "abc", Slot.AGENT: "root-secret",
    }  # fmt: skip


def test_what_is_kept_is_read_again_and_is_for_the_owner_alone(tmp_path: Path) -> None:
    draft = (tmp_path / FILE).with_suffix(".draft")
    draft.write_text("left by a crash")
    draft.chmod(0o644)
    TokenFile(tmp_path).keep({Slot.DEFAULT: "d", Slot.AGENT: ""})
    assert json.loads((tmp_path / FILE).read_text()) == {"default": "d"}
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert TokenFile(tmp_path).read() == {Slot.DEFAULT: "d"}
    assert not draft.exists()


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    assert TokenFile(tmp_path).read() == {}


@pytest.mark.parametrize("text", ["", "{", '["secret"]', '"secret"'])
def test_a_file_that_cannot_be_used_is_an_error_that_repeats_nothing_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(StorageError, match="remove it") as caught:
        TokenFile(tmp_path).read()
    assert "secret" not in str(caught.value)


def test_values_that_are_no_texts_are_overlooked(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"default": 5, "agent": "a", "other": "x"}')
    assert TokenFile(tmp_path).read() == {Slot.AGENT: "a"}


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        TokenFile(tmp_path / "none").keep({Slot.DEFAULT: "d"})
