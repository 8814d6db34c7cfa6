"""The pages that move, docs/play: what holds for each of them."""

import numpy as np
import pytest
from selenium.webdriver.common.by import By
from viewing import BUILT, console_errors

COLOURS = """
document.body.dataset.theme = arguments[0];
const style = getComputedStyle(document.querySelector(".play"));
const paint = document.createElement("canvas").getContext("2d");
return ["--blue", "--orange", "--green", "--ink", "--faint", "--paper"].map(name => {
    paint.fillStyle = style.getPropertyValue(name);
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
});
"""


def luminance(rgb):
    """Relative luminance as WCAG 2 defines it."""
    share = np.array(rgb) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_read(site, browser, page, theme):
    browser.get(f"{site}/play/{page}.html")
    *colours, paper = map(luminance, browser.execute_script(COLOURS, theme))
    for colour in colours:
        assert (max(colour, paper) + 0.05) / (min(colour, paper) + 0.05) >= 4.5  # WCAG's level AA


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
def test_the_page_needs_no_server(browser, page):
    browser.get((BUILT / "play" / f"{page}.html").as_uri())
    assert browser.find_elements(By.CSS_SELECTOR, f"#{page} tbody td")
    assert console_errors(browser) == []


@pytest.mark.parametrize("page", ["im2col", "batchnorm"])
def test_everything_to_touch_has_a_name(site, browser, page):
    browser.get(f"{site}/play/{page}.html")
    for element in browser.find_elements(By.CSS_SELECTOR, f"#{page} :is(button, input, [tabindex='0'], table)"):
        assert element.accessible_name, element.get_attribute("outerHTML")
