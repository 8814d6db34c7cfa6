"""What can be said of the site without building it: no page is left out, no link leads nowhere."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
BUILT = "_build", "examples", "generated"  # folders that Sphinx fills
PAGES = sorted(p for p in DOCS.rglob("*.md") if not set(p.relative_to(DOCS).parts) & set(BUILT))
TOCTREE = re.compile(r"^```+\{toctree\}\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)


def listed(page):
    """The pages in the toctrees of a page, as paths without ending."""
    lines = "\n".join(TOCTREE.findall(page.read_text(encoding="utf-8"))).splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith(":")]
    return {path.with_suffix("") for name in names for path in page.parent.glob(f"{name}.*")}


def links(page):
    """Targets of the links and pictures of a page, outside of code."""
    text = re.sub(r"^(```+|~~~+).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"(`+).+?\1", "", text)
    return re.findall(r"\]\(([^)\s]+)[^)]*\)", text)


def test_every_page_is_in_a_toctree():
    reachable = set().union(*map(listed, PAGES))
    assert [page.name for page in PAGES if page.with_suffix("") not in reachable] == ["index.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_to_files(page):
    inside = [link.partition("#")[0] for link in links(page) if not re.match(r"[a-z]+:", link)]
    assert [link for link in inside if link and not (page.parent / link).exists()] == []
