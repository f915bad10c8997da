"""Whether files are other ones than before."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from lictor_agent.changed_files import ChangedFiles, files_of
from lictor_config.presets import DEV
from lictor_config.tree import DoorTls, Origin, Tls


def test_the_files_of_the_configuration_and_of_every_door_are_looked_at() -> None:
    rpc, https = (
        DoorTls(ca_file="ca", cert_file="c", key_file="k"),
        DoorTls(ca_path="cas", cert_file="c", key_file="k2"),
    )
    configuration = replace(DEV, tls=Tls(internal_rpc=rpc, https=https), origin=Origin(files=("a.hcl",)))
    assert files_of(configuration) == ("a.hcl", "ca", "c", "k", "cas", "k2")


def test_a_change_is_told_once_and_only_when_it_has_come_to_rest(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert", tmp_path / "key"
    certificate.write_text("one")
    key.write_text("one")
    paths = (str(certificate), str(key))
    changed = ChangedFiles(paths)
    assert not changed.look(paths)
    certificate.write_text("number two")
    assert not changed.look(paths)
    key.write_text("number two")
    assert not changed.look(paths), "the other half of the pair came meanwhile"
    assert changed.look(paths)
    assert not changed.look(paths)


def test_files_in_directories_files_that_go_and_files_of_the_same_size_count(tmp_path: Path) -> None:
    inner = tmp_path / "ca.pem"
    changed = ChangedFiles((str(tmp_path),))
    for step in (lambda: inner.write_text("abc"), lambda: os.replace(_other(tmp_path), inner), inner.unlink):
        step()
        assert [changed.look((str(tmp_path),)) for _ in range(3)] == [False, True, False]


def _other(directory: Path) -> Path:
    path = directory.parent / "other.pem"
    path.write_text("xyz")
    return path


def test_what_was_changed_back_at_once_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    before = file.stat()
    changed = ChangedFiles((str(file),))
    file.write_text("two")
    assert not changed.look((str(file),))
    file.write_text("one")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [changed.look((str(file),)) for _ in range(2)] == [False, False]
