"""The built site behind a local web server, and a browser that opens it: `make docs`, then `make docs-test`."""

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from selenium import webdriver
from viewing import BUILT, DESKTOP, resize

BROWSERS = "chromium", "chromium-browser", "google-chrome", "chrome"

QUIET = (  # no window, no calls home; without its own sandbox, which a container's root user cannot have
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


class Silent(SimpleHTTPRequestHandler):
    """A file server that writes no log."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    """Return the address at which the built site is served, without a slash at its end."""
    if not (BUILT / "index.html").exists():
        pytest.fail("There is no built site in docs/_build/html: run `make docs` first.", pytrace=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=BUILT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for all tests; a test takes `browser`."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not (program and driver):
        missing = "chromedriver" if program else "Chromium"
        pytest.fail(f"{missing} is not installed (Debian: apt install chromium chromium-driver).", pytrace=False)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    """Return a selenium driver of Chromium, 1280 pixels wide, in light mode, with an empty console."""
    resize(chromium, DESKTOP)
    chromium.get("about:blank")
    chromium.get_log("browser")
    return chromium
