"""Headless Chromium for the tests of splatc/web/: pages are opened, scripts run in them, and what they show is read back.

Driven by Selenium over Debian's chromium-driver. One browser serves all tests of a session: the fixture `browser` of conftest.py.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import PIL.Image

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

WIDTH, HEIGHT = 1280, 800
SECONDS = 30
"""That a page or a script may take."""
ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # which root has none of
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # small in containers
    "--force-device-scale-factor=1",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)


def missing() -> str:
    """What of a browser this machine lacks; nothing if it is whole."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium"
    return ", ".join(name for name in ("chromium", "chromedriver") if shutil.which(name) is None)


class Browser:
    """A browser with one window of `WIDTH` x `HEIGHT` px."""

    def __init__(self, profile: Path, *arguments: str) -> None:
        """`profile` is an empty folder; `arguments` go to Chromium besides `ARGUMENTS`."""
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for argument in (*ARGUMENTS, f"--user-data-dir={profile}", f"--window-size={WIDTH},{HEIGHT}", *arguments):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
        self.driver: Chrome = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(SECONDS)
        self.driver.set_script_timeout(SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.driver.quit()

    def open(self, url: str, width: int = WIDTH, height: int = HEIGHT) -> None:
        """Go to a page in a window of so many px, and wait for its `load` event. What was logged of the page before is forgotten."""
        self.driver.get("about:blank")
        self.resize(width, height)
        self.complaints()
        self.driver.get(url)

    def run(self, body: str, *arguments: object) -> Any:
        """What the body of an async function returns in the page; it finds `arguments`. An error of the page fails the test."""
        result = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async () => {{ {body} }})()"
            ".then((value) => done({ value }), (error) => done({ error: `${error}\\n${error?.stack}` }));",
            *arguments,
        )
        assert "error" not in result, result["error"]
        return result.get("value")

    def complaints(self) -> list[str]:
        """Warnings and errors of the console since this was asked last."""
        entries = cast("list[dict[str, str]]", self.driver.get_log("browser"))  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("WARNING", "SEVERE")]

    def resize(self, width: int, height: int) -> None:
        """Give the page so many px, whatever the window has around it."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self) -> np.ndarray:
        """(height, width, 3) uint8: what the window shows."""
        with PIL.Image.open(io.BytesIO(self.driver.get_screenshot_as_png())) as image:
            return np.asarray(image.convert("RGB"))
