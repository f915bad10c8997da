from lictor_core.acl.caller import ANYBODY
from lictor_server.acl.callers import Everybody


def test_without_access_control_every_secret_is_anybody() -> None:
    assert Everybody().caller("") is Everybody().caller("whatever") is ANYBODY
