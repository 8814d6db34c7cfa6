"""Hands and eyes of the tests of the pages that move."""

import numpy as np
from selenium.webdriver.common.by import By

MINUS = "\u2212"


def numbers(texts):
    """The numbers that a page shows."""
    return np.array(np.char.replace(np.array(texts), MINUS, "-"), dtype=float)


def opened(browser, address):
    """Open a page; from here on it scrolls at once, as the theme does not."""
    browser.get(address)
    browser.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    return browser


def said(browser, which):
    return browser.find_element(By.CSS_SELECTOR, f"[data-says={which}]").text


def touch(browser, *points):
    """Put a finger down on the first point, (x, y) of the window in pixels, move it over the others and lift it."""
    for k, (x, y) in enumerate(points):
        event = {"type": "touchMove" if k else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", event)
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


MIDDLE = """
const box = () => arguments[0].getBoundingClientRect();
scrollTo(0, Math.round(scrollY + box().top - innerHeight / 2));
return [box().left + box().width / 2, box().top + box().height / 2];
"""


def middle(browser, element):
    """Scroll an element to the middle of the window and return its centre there, (x, y) in pixels."""
    return browser.execute_script(MIDDLE, element)
