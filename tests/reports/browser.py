"""Pages opened in a real browser, without a display."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CHROMIUM, DRIVER = shutil.which("chromium") or "", shutil.which("chromedriver") or ""
HEIGHT = 900


@dataclass(frozen=True)
class Look:
    """What a browser made of a page at a width. picture: of the whole page. errors: what the console says.

    requests: what it asked for besides the page; width: of the document.
    """

    width: int
    errors: list[str]
    requests: list[str]
    text: str
    picture: Image.Image


class Browser:
    """A browser."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def run(self, script: str) -> Any:
        """Run a script in the page that is open, as its visitor could in the console."""
        return self._driver.execute_script(f"return {script}")

    def look(self, page: Path | str, width: int, *, unfold: bool = False, most: int = 16_000) -> Look:
        """Open a page: a file, or an address. unfold: all that is folded in it, too.

        most: the height of its picture in pixels, if it is higher.
        """
        self._logged("performance")
        self._logged("browser")
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": width < 600}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        address = page.absolute().as_uri() if isinstance(page, Path) else page
        self._driver.get(address)
        if unfold:
            self.run("document.querySelectorAll('details').forEach(one => one.open = true)")
        # The visual viewport would grow with what sticks out; the layout's width does not.
        return Look(
            width=self.run("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"),
            errors=[entry["message"] for entry in self._logged("browser")],
            requests=[found for found in self._requests() if found != address],
            text=self.run("document.body.innerText"),
            picture=self._picture(width, most),
        )

    def _logged(self, kind: str) -> list[dict[str, Any]]:
        return list(self._driver.get_log(kind))

    def _requests(self) -> Iterator[str]:
        for entry in self._logged("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                address = message["params"]["request"]["url"]
                if not address.startswith("data:"):
                    yield address

    def _picture(self, width: int, most: int) -> Image.Image:
        height = min(int(self.run("document.documentElement.scrollHeight")), most)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        taken = self._driver.execute_cdp_cmd(
            "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
        )
        return Image.open(BytesIO(base64.b64decode(taken["data"])))


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start Chromium, or skip the test where there is none."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("needs chromium and chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    # As root, in a container, Chromium has no sandbox; the pages are our own.
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()


def is_blank(picture: Image.Image) -> bool:
    """Tell whether a picture shows nothing but its background."""
    colours = picture.convert("RGB").getcolors(1 << 24)
    assert colours is not None
    return len(colours) < 20
