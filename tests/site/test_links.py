"""No link inside the site leads nowhere, and no page asks another server for anything."""

from functools import cache
from html.parser import HTMLParser
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

import pytest
from viewing import BUILT, PAGES

LOADED = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Note the addresses in one tag."""
        attributes = dict(attributes)
        self.anchors |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        elif attributes.get(LOADED.get(tag, "")):
            self.loaded.append(attributes[LOADED[tag]])


@cache
def read(page):
    return Page((BUILT / page).read_text(encoding="utf-8"))


def nowhere(page, address):
    """What is missing at the other end of a link from `page`; empty if nothing is, or if it leads out of the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    target = normpath(join(dirname(page), unquote(parts.path))) if parts.path else page
    if not (BUILT / target).is_file():
        return f"{address}: no such file"
    anchor = unquote(parts.fragment)
    if anchor and target.endswith(".html") and anchor not in read(target).anchors:
        return f"{address}: no such place on the page"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    found = read(page)
    assert list(filter(None, (nowhere(page, address) for address in found.links + found.loaded))) == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_comes_from_elsewhere(page):
    """Read without a network, the site is whole."""
    assert [address for address in read(page).loaded if urlsplit(address).netloc] == []
