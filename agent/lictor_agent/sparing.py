"""What an agent does without, so that hosts with little memory have it.

structlog takes rich along wherever it is installed, for tracebacks in colours that agents never print: 3 MB of an
agent's 50. The command line, which prints tables, imports rich for itself.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

__all__ = ["import_structlog"]


class _WithoutRich(MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        if fullname == "rich":
            raise ModuleNotFoundError("structlog is imported without rich", name=fullname)
        return None


def import_structlog() -> None:
    """Import structlog, without rich unless one of the two is there already. Nothing else may import meanwhile."""
    if "structlog" in sys.modules or "rich" in sys.modules:
        return
    finder = _WithoutRich()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("structlog")
    finally:
        sys.meta_path.remove(finder)
