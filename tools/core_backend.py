"""The build backend of splatc: setuptools, plus the compiled core (core_build.py).

A wheel is for one system and processor and for every version of Python: py3-none-<platform>. `pip wheel --config-settings
target=linux-aarch64 .` and `python -m build --wheel -C target=linux-aarch64` make one for a target of core_build.TARGETS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

from core_build import TARGETS, BuildError, Target, build, host, required

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = Mapping[str, str | list[str] | None] | None
_target: Target | None = None
"""Of the wheel that is being built; None for this machine."""


class Modules(build_py):
    """Puts the library where the modules of a wheel are gathered; of an editable install it is part before this runs."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        folder = Path(self.build_lib, "splatc", "core")
        for old in folder.glob("splatc_core.*"):  # of another target: setuptools keeps the folder
            old.unlink()
        build(_target, folder)


class Wheel(bdist_wheel):
    def finalize_options(self) -> None:
        self.distribution.has_ext_modules = lambda: True  # not pure: another folder than modules for all systems have
        super().finalize_options()

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", (_target or host()).tag


def chosen_target(settings: Settings) -> Target | None:
    """What the setting `target` names."""
    name = (settings or {}).get("target")
    if name is None:
        return None
    if not isinstance(name, str) or name not in TARGETS:
        raise BuildError(f"There is no target {name}: {', '.join(TARGETS)} are known.")
    return TARGETS[name]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return [*build_meta.get_requires_for_build_wheel(), *required(chosen_target(config_settings))]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return [*build_meta.get_requires_for_build_editable(), *required()]


def build_wheel(wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None) -> str:
    global _target
    _target = chosen_target(config_settings)
    name: str = build_meta.build_wheel(wheel_directory, None, metadata_directory)
    return name


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    build()  # here and not in Modules: setuptools would make a warning of its failure
    name: str = build_meta.build_editable(wheel_directory, None, metadata_directory)
    return name
