"""Unix sockets: their mode and owner, and what stands at their path before."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from lictor_agent.http.unix_sockets import NOBODY, SocketOwner, UnixSocket
from lictor_core.errors import ConfigurationError


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _leave_behind(path: Path) -> None:
    """A socket as a process leaves it that is killed."""
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()


@pytest.mark.parametrize("mode", ["0600", "0660", "777"])
def test_a_socket_has_the_mode_that_is_wanted(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "s"
    one = UnixSocket(str(path), SocketOwner(mode=mode), 1)
    assert _mode(path) == int(mode, 8)
    one.close()


def test_without_a_mode_the_umask_of_the_process_holds_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    before = os.umask(0o027)
    try:
        one = UnixSocket(str(path), NOBODY, 1)
        closed = UnixSocket(str(tmp_path / "closed"), SocketOwner(mode="0600"), 1)
        assert (_mode(path), os.umask(0o027)) == (0o750, 0o027)
    finally:
        os.umask(before)
    one.close()
    closed.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_socket_is_given_to_a_user_and_a_group_by_name_or_number(tmp_path: Path) -> None:
    path = tmp_path / "s"
    one = UnixSocket(str(path), SocketOwner(user="daemon", group="2"), 1)
    assert (path.lstat().st_uid, path.lstat().st_gid) == (1, 2)
    one.close()


@pytest.mark.parametrize(
    ("owner", "text"),
    [
        (SocketOwner(user="nobody-of-that-name"), r"unix_sockets\.user: .*'nobody-of-that-name'"),
        (SocketOwner(group="none-of-that-name"), r"unix_sockets\.group: .*'none-of-that-name'"),
    ],
)
def test_an_unknown_owner_is_named_and_nothing_is_made(tmp_path: Path, owner: SocketOwner, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        UnixSocket(str(tmp_path / "s"), owner, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_was_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    _leave_behind(path)
    one = UnixSocket(str(path), NOBODY, 1)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(path))
    client.close()
    one.close()
    assert not path.exists()


def test_a_socket_that_somebody_listens_at_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    first = UnixSocket(str(path), NOBODY, 8)
    with pytest.raises(ConfigurationError, match="in use by another process"):
        UnixSocket(str(path), NOBODY, 8)
    assert path.is_socket()
    first.close()


def test_a_link_to_a_socket_is_left_alone(tmp_path: Path) -> None:
    _leave_behind(tmp_path / "real")
    (tmp_path / "s").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigurationError, match="is no socket"):
        UnixSocket(str(tmp_path / "s"), NOBODY, 1)
    assert (tmp_path / "real").is_socket()


def test_a_path_that_another_socket_has_taken_over_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    one = UnixSocket(str(path), NOBODY, 1)
    path.unlink()
    _leave_behind(tmp_path / "other")  # an inode of its own while the first is still open
    (tmp_path / "other").rename(path)
    one.close()
    assert path.is_socket()
