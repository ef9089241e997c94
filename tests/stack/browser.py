"""Chromium, as people use it: without a screen, and with its complaints.

Selenium drives it by the driver that Debian has beside it.
"""

import base64
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.stack.debian import CHROMEDRIVER, CHROMIUM
from tests.stack.waiting import until

#: Seconds until a page shows what it is to show, at the most.
PATIENCE = 60.0


class Browser:
    """One window of a browser that has no history.

    :ivar driver: Selenium's
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        self.driver.get(url)

    @property
    def text(self) -> str:
        """What is to be read."""
        return str(
            self.driver.execute_script("return document.body.innerText")
        )

    @property
    def complaints(self) -> list[str]:
        """What the browser has said against the pages since it was asked."""
        return [one["message"] for one in self.driver.get_log("browser")]

    def shows(self, text: str) -> bool:
        """Wait until something can be read; whether it can in time."""
        return until(lambda: text in self.text, PATIENCE)

    def click(self, text: str) -> None:
        """Follow a link, by its text; a page may come anew meanwhile."""
        until(lambda: self._clicked(text), PATIENCE)

    def _clicked(self, text: str) -> bool:
        try:
            self.driver.find_element(By.LINK_TEXT, text).click()
        except StaleElementReferenceException:
            return False
        return True

    def press(self, text: str) -> None:
        """Press a button, by its text."""
        path = f"//button[normalize-space()='{text}']"
        self.driver.find_element(By.XPATH, path).click()

    def fill(self, **fields: str) -> None:
        """Type into the fields of a form, by their labels."""
        for label, text in fields.items():
            field = self.labelled(label)
            field.clear()
            field.send_keys(text)

    def labelled(self, label: str) -> WebElement:
        """The field that a label is for."""
        path = f"//label[normalize-space()='{label}']"
        found = self.driver.find_element(By.XPATH, path)
        name = found.get_attribute("for") or ""
        return self.driver.find_element(By.ID, name)

    def asks(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.driver.execute_script(f"return {script}")

    def resize(self, width: int, height: int, scale: float = 1) -> None:
        """Have a screen of some size, that of a phone where it is narrow."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale}
        how = size | {"mobile": width < 600}
        self._command("Emulation.setDeviceMetricsOverride", **how)

    def prefer(self, scheme: str) -> None:
        """Have light or dark pages, where they have both."""
        wish = {"name": "prefers-color-scheme", "value": scheme}
        self._command("Emulation.setEmulatedMedia", features=[wish])

    def picture(self, file: Path) -> None:
        """Keep what is on the screen."""
        found = self._command("Page.captureScreenshot", optimizeForSpeed=False)
        file.write_bytes(base64.b64decode(found["data"]))

    def _command(self, name: str, **how: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, how)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Browser]:
    """A browser of its own.

    :param folder: for all that it keeps
    """
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in (
        "--headless=new",
        f"--user-data-dir={folder}",
        "--hide-scrollbars",
        "--no-proxy-server",
        "--disable-background-networking",
        # Containers often have little of it.
        "--disable-dev-shm-usage",
        # It refuses to be root without this.
        *(["--no-sandbox"] if not os.geteuid() else []),
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, Service(str(CHROMEDRIVER)))
    try:
        driver.set_page_load_timeout(PATIENCE)
        yield Browser(driver)
    finally:
        driver.quit()
