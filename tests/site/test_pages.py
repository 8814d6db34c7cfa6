"""Every page of the built site, opened in a browser as wide as a desktop's and as a phone's."""

import re
from pathlib import Path

import pytest
from viewing import DESKTOP, DOCS, PAGES, PHONE, console_errors, resize

BROKEN_IMAGES = """
return [...document.images].filter(i => !(i.complete && i.naturalWidth)).map(i => i.src)
"""
FORMULAS = """
return [...document.querySelectorAll("article math")].filter(m => m.getBoundingClientRect().width > 0).length
"""
SCROLLS_SIDEWAYS = """
const wide = ["html", ".main", ".content"].filter(name => {
    const box = document.querySelector(name);
    return box && box.scrollWidth > box.clientWidth;
});
const culprits = [...document.querySelectorAll("article *")].filter(e => e.getBoundingClientRect().right > innerWidth);
return wide.length ? wide.concat(culprits.slice(0, 5).map(e => e.outerHTML.slice(0, 150))) : [];
"""


def formulas_in(source):
    """How many formulas a Markdown text has: $$ blocks and $ in lines, outside of code."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", source, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"(`+).*?\1", "", text, flags=re.DOTALL)
    return len(re.findall(r"(\$\$?)(?=\S|\n).+?\1", text, flags=re.DOTALL))


def test_the_site_has_pages():
    assert {"index.html", "learn/index.html", "examples/index.html", "gradient-checking.html"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page(site, browser, page):
    source = DOCS / Path(page).with_suffix(".md")
    expected = formulas_in(source.read_text(encoding="utf-8")) if source.exists() else 0
    for width in (DESKTOP, PHONE):
        resize(browser, width)
        browser.get(f"{site}/{page}")
        assert not console_errors(browser)
        assert browser.execute_script(BROKEN_IMAGES) == []
        assert browser.execute_script(SCROLLS_SIDEWAYS) == [], f"at {width} pixels"
        assert browser.execute_script(FORMULAS) >= expected
