"""Unix sockets of the HTTP API: made with their mode and owner before anybody can reach them, removed when they end.

A socket that a process left behind is replaced; one that answers, and whatever is no socket, is left alone. Source of
user, group and mode: Consul's document `docs/agent/options`, `unix_sockets`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from typing import Final

from lictor_core.errors import ConfigurationError

__all__ = ["NOBODY", "SocketOwner", "UnixSocket"]

_ANSWER_S_MAX: Final = 1.0
"""How long whoever may still listen at the path has for taking a connection."""
_CLOSED_MODE: Final = 0o177
"""The umask under which a socket is made: nobody else reaches it before its own mode holds."""


@dataclass(frozen=True, slots=True)
class SocketOwner:
    """Whose a socket is: `user` and `group` are names or numbers, `mode` is octal digits; empty ones say nothing."""

    user: str = ""
    group: str = ""
    mode: str = ""


NOBODY: Final = SocketOwner()
"""As the process and its umask have it."""


class UnixSocket:
    """A socket that listens at a path. `close` removes the path, unless another process has taken it over."""

    def __init__(self, path: str, owner: SocketOwner, backlog: int) -> None:
        """Raises `ConfigurationError` for what an operator can mend, `OSError` when the path cannot be had."""
        self.path = path
        uid, gid = _user_id(owner.user), _group_id(owner.group)
        _make_room(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._identity: tuple[int, int] | None = None
        try:
            self.socket.setblocking(False)
            _bind(self.socket, path, is_closed=bool(owner.mode))
            self._identity = _identity(path)
            self._give(owner, uid, gid)
            self.socket.listen(backlog)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop listening, and remove the path if it is still that of this socket."""
        self.socket.close()
        identity, self._identity = self._identity, None
        with contextlib.suppress(OSError):
            if identity is not None and _identity(self.path) == identity:
                os.unlink(self.path)

    def _give(self, owner: SocketOwner, uid: int, gid: int) -> None:
        try:
            if uid != -1 or gid != -1:
                os.chown(self.path, uid, gid)
        except PermissionError:
            raise ConfigurationError(
                f"unix_sockets: this process may not give {self.path} to user {owner.user or 'of its own'}, group "
                f"{owner.group or 'of its own'}; leave them out, or run the agent as root or as a member of that group"
            ) from None
        if owner.mode:
            os.chmod(self.path, int(owner.mode, 8))


def _bind(listening: socket.socket, path: str, *, is_closed: bool) -> None:
    if not is_closed:
        listening.bind(path)
        return
    umask = os.umask(_CLOSED_MODE)
    try:
        listening.bind(path)
    finally:
        os.umask(umask)


def _make_room(path: str) -> None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigurationError(f"{path} exists and is no socket; it is left alone: remove it, or choose another path")
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(_ANSWER_S_MAX)
    try:
        probe.connect(path)
    except (ConnectionRefusedError, FileNotFoundError):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    except TimeoutError:
        pass  # its queue is full: somebody has it
    finally:
        probe.close()
    raise ConfigurationError(f"{path} is in use by another process; stop that one, or choose another path")


def _identity(path: str) -> tuple[int, int]:
    found = os.lstat(path)
    return found.st_dev, found.st_ino


def _user_id(user: str) -> int:
    if not user or user.isdecimal():
        return int(user) if user else -1
    import pwd  # most agents give their sockets to nobody

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ConfigurationError(
            f"unix_sockets.user: this machine has no user {user!r}; name one, or a number"
        ) from None


def _group_id(group: str) -> int:
    if not group or group.isdecimal():
        return int(group) if group else -1
    import grp

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigurationError(
            f"unix_sockets.group: this machine has no group {group!r}; name one, or a number"
        ) from None
