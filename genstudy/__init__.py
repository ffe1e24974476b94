"""genstudy: parameter tables and batched study specifications for Maestro.

What each command does is one call of a function exported here; each is imported when it is first used,
so `import genstudy` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_EXPORTS: dict[str, str] = {
    "GenstudyError": "genstudy.errors",
    "UserError": "genstudy.errors",
    "make_table": "genstudy.tables.make",
}
__all__ = ["GenstudyError", "UserError", "__version__", "make_table"]


def __getattr__(name: str) -> Any:
    """Import an exported name on first use (PEP 562)."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'genstudy' has no attribute '{name}'")
    return getattr(import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
