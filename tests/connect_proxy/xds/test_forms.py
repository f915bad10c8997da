"""Small pieces of Envoy's configuration."""

import pytest

from lictor_connect_proxy.xds.forms import lasting, pipe_address


@pytest.mark.parametrize(
    ("duration_s", "written"), [(0, "0s"), (1.0, "1s"), (0.25, "0.25s"), (3600.0, "3600s"), (0.0004, "0s"), (10, "10s")]
)
def test_a_duration_is_written_as_protobuf_writes_it(duration_s: float, written: str) -> None:
    assert lasting(duration_s) == written


def test_a_socket_that_is_dialed_has_no_mode() -> None:
    assert pipe_address("/run/a") == {"pipe": {"path": "/run/a"}}
    assert pipe_address("/run/a", 0o600) == {"pipe": {"path": "/run/a", "mode": 384}}
