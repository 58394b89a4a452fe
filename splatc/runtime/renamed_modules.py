"""Modules that programs may import by their older names, for one version more: the name still works, with a DeprecationWarning."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, cast

RENAMED = {
    "splatc.checkpoints": "splatc.fit.checkpoints",
    "splatc.picture": "splatc.decoder.picture",
    "splatc.verifier": "splatc.decoder.verifier",
}
"""Those whose names stand in documents or return values. All of them go with the version after the one that moved them."""


class Renamed:
    """Finds and loads a module under its older name; it is the same module."""

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in RENAMED:
            return None
        warnings.warn(f"{name} is now {RENAMED[name]}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(name, cast(Any, cls()))  # importlib.abc takes time to import

    def create_module(self, spec: ModuleSpec) -> None:
        """The import system makes an empty one, of which exec_module takes the place."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(RENAMED[module.__name__])


def install() -> None:
    """Before other finders: an older copy of the package that one of them knows is not asked."""
    sys.meta_path.insert(0, Renamed)
