"""What the tests of the site look at, and how wide the window is meanwhile."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BUILT = DOCS / "_build" / "html"
PAGES = sorted(path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*.html") if "_static" not in path.parts)

DESKTOP, PHONE = 1280, 390  # pixels


def resize(browser, width):
    """Make the page as wide as a desktop's window or a phone's screen."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def console_errors(browser):
    """Return what the console holds of warnings and errors, and empty it."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
