import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from lictor_connect_proxy.driver.places import SocketFile, TcpPort
from lictor_connect_proxy.driver.sockets import KEEPALIVE
from tests.support.ports import free_port


def test_accepted_connections_have_the_options_of_relayed_ones() -> None:
    place = TcpPort("127.0.0.1", free_port())
    with place.bind() as listening, socket.create_connection(listening.getsockname(), timeout=5):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            seen = [accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name, _ in KEEPALIVE]
            assert seen == [value for _, value in KEEPALIVE]


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def test_a_socket_file_has_its_mode_and_goes_with_the_listener(tmp_path: Path) -> None:
    path = tmp_path / "db.sock"
    place = SocketFile(str(path), 0o620)
    with place.bind():
        assert stat.S_IMODE(path.stat().st_mode) == 0o620
        assert _connects(path)
    place.release()
    assert not path.exists()


def test_what_a_dead_process_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "db.sock"
    with SocketFile(str(path), 0o600).bind():
        pass
    assert path.exists()
    assert not _connects(path)
    with SocketFile(str(path), 0o600).bind():
        assert _connects(path)


def test_a_place_where_somebody_listens_is_left_to_them(tmp_path: Path) -> None:
    path = tmp_path / "db.sock"
    with SocketFile(str(path), 0o600).bind():
        with pytest.raises(OSError) as caught:
            SocketFile(str(path), 0o600).bind()
        assert caught.value.errno == errno.EADDRINUSE
        assert _connects(path)


def test_a_file_that_is_no_socket_is_never_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine")
    place = SocketFile(str(path), 0o600)
    with pytest.raises(FileExistsError):
        place.bind()
    place.release()
    assert path.read_text() == "mine"


def test_a_socket_file_of_a_successor_is_not_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "db.sock"
    one, two = SocketFile(str(path), 0o600), SocketFile(str(path), 0o600)
    with one.bind():
        os.unlink(path)
        with two.bind():
            one.release()
            assert _connects(path)
