"""The ring of an agent, in memory and in its data directory."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from lictor_agent.keyring import FILE, kept_keyring
from lictor_config.tree import Encrypt
from lictor_core.errors import ConfigurationError, StorageError
from lictor_core.keyring import Ring, key_text
from tests.server.conftest import Log, made_log

A, B = (bytes([number]) * 32 for number in (1, 2))


@pytest.fixture
def log() -> Log:
    return made_log()


def encrypt(key: bytes | None = A, *, disable_keyring_file: bool = False) -> Encrypt:
    return Encrypt(key="" if key is None else key_text(key), disable_keyring_file=disable_keyring_file)


def test_without_a_key_there_is_no_ring(tmp_path: Path, log: Log) -> None:
    assert kept_keyring(encrypt(None), str(tmp_path), log.logger).ring is None
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_the_configuration_begins_the_file(tmp_path: Path, log: Log) -> None:
    keyring = kept_keyring(encrypt(), str(tmp_path), log.logger)
    file = tmp_path / FILE
    assert keyring.ring == Ring((A,))
    assert json.loads(file.read_text()) == [key_text(A)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [one.name for one in file.parent.iterdir()] == ["local.keyring"]


def test_the_file_of_consul_is_taken_over(tmp_path: Path, log: Log) -> None:
    """As Consul 1.8.7 wrote it after a rotation."""
    file = tmp_path / FILE
    file.parent.mkdir()
    file.write_text(
        '[\n  "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=",\n  "enxwYOrxxMosZ/qWCUGnxarEyTJDnULcqF/DwULXsOE="\n]'
    )
    ring = kept_keyring(encrypt(None), str(tmp_path), log.logger).ring
    assert ring is not None
    assert [key_text(key)[:4] for key in ring.keys] == ["pUqJ", "enxw"]


def test_the_file_counts_more_than_the_configuration_and_a_warning_says_so(tmp_path: Path, log: Log) -> None:
    kept_keyring(encrypt(A), str(tmp_path), log.logger).replace(Ring((B,)))
    assert kept_keyring(encrypt(B), str(tmp_path), log.logger).ring == Ring((B,))
    assert log.entries == []
    assert kept_keyring(encrypt(A), str(tmp_path), log.logger).ring == Ring((B,))
    [event] = log.named("agent.keyring.preferred")
    assert key_text(A) not in str(event)


def test_who_keeps_no_file_reads_none_either(tmp_path: Path, log: Log) -> None:
    kept_keyring(encrypt(A), str(tmp_path), log.logger)
    alone = kept_keyring(encrypt(B, disable_keyring_file=True), str(tmp_path), log.logger)
    alone.replace(Ring((B, A)))
    assert alone.ring == Ring((B, A))
    assert json.loads((tmp_path / FILE).read_text()) == [key_text(A)]
    assert kept_keyring(encrypt(B), "", log.logger).ring == Ring((B,))


def test_a_change_is_kept_and_told(tmp_path: Path, log: Log) -> None:
    keyring, told = kept_keyring(encrypt(), str(tmp_path), log.logger), list[Ring | None]()
    keyring.at_change(lambda: told.append(keyring.ring))
    keyring.replace(Ring((A,)))
    keyring.replace(Ring((B, A)))
    assert told == [Ring((B, A))]
    assert kept_keyring(encrypt(), str(tmp_path), log.logger).ring == Ring((B, A))


@pytest.mark.parametrize("text", ["x", "[]", '["x"]', "[1]", "", '{"a": 1}'])
def test_a_file_that_is_no_ring_keeps_the_agent_from_starting(tmp_path: Path, log: Log, text: str) -> None:
    file = tmp_path / FILE
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"local\.keyring cannot be used"):
        kept_keyring(encrypt(), str(tmp_path), log.logger)


def test_a_key_that_is_none_keeps_the_agent_from_starting_and_is_not_shown(tmp_path: Path, log: Log) -> None:
    with pytest.raises(ConfigurationError, match="encrypt: ") as caught:
        kept_keyring(Encrypt(key="c2VjcmV0"), str(tmp_path), log.logger)
    assert "c2Vj" not in str(caught.value)


def test_what_cannot_be_kept_does_not_count(tmp_path: Path, log: Log) -> None:
    keyring = kept_keyring(encrypt(), str(tmp_path), log.logger)
    file = tmp_path / FILE
    file.unlink()
    file.mkdir()
    with pytest.raises(StorageError, match="cannot keep the keys"):
        keyring.replace(Ring((B,)))
    assert keyring.ring == Ring((A,))
    with pytest.raises(ConfigurationError, match="cannot read the keys"):
        kept_keyring(encrypt(), str(tmp_path), log.logger)
