"""What a test needs from the machine: without it the test is skipped, but in CI it fails."""

from __future__ import annotations

import os

import pytest


def needs(there: bool, what: str) -> None:
    """Skip where something is missing, but never in CI."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not installed")
