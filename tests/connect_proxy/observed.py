"""A proxy to look at, without one."""

from collections.abc import Mapping

from lictor_connect_proxy.figures import Figures
from lictor_connect_proxy.snapshot import ProxySnapshot
from tests.connect_proxy.build import snapshot


class Relay:
    """So many bytes."""

    def __init__(self, to_local: int, to_mesh: int) -> None:
        self.to_local = to_local
        self.to_mesh = to_mesh


class Looked:
    """Its figures and snapshot are as a test sets them."""

    def __init__(self) -> None:
        self.figures = Figures("db")
        self.snapshot: ProxySnapshot = snapshot()
        self.lacks: list[str] = []

    def ages_s(self) -> Mapping[str, float]:
        return {"intentions": 1.5}

    def missing(self) -> list[str]:
        return self.lacks
