"""Links to files outside docs/ lead to pages of the site, and every name of the API reference links to its source.

`[dense.py](../minicnn/layers/dense.py)`, as GitHub understands it, leads to a page with the file's text,
`../examples/NAME.py` to its page in the gallery, and `../CONTRIBUTING.md` to the page that includes it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from operator import attrgetter
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

REPOSITORY = Path(__file__).parents[2]
INCLUDED = {"CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changelog", "README.md": "index"}


class SourceLinks(SphinxTransform):
    """Mark what leads to a file of the repository with that file; `resolve` makes addresses of the marks."""

    default_priority = 500

    def apply(self, **_: object) -> None:
        """Take them from the links that Sphinx offers as downloads, and add them to the API's names."""
        for link in list(self.document.findall(addnodes.download_reference)):
            path = Path(self.env.relfn2path(link["reftarget"], self.env.docname)[1]).resolve()
            if path.is_relative_to(REPOSITORY) and not path.is_relative_to(self.env.srcdir):
                file = path.relative_to(REPOSITORY).as_posix()
                link.replace_self(nodes.reference("", "", *link.children, source_file=file, internal=True))
        for name in self.document.findall(addnodes.desc_signature):
            file, line = definition(name.get("module"), name.get("fullname"))
            if file:
                text = nodes.inline("", "[source]", classes=["viewcode-link"])
                name += nodes.reference("", "", text, source_file=file, source_line=line, internal=True)


def definition(module: str | None, name: str | None) -> tuple[str | None, int]:
    """Find the file and the line of a function or class of minicnn; None for what has no source of its own."""
    if not (module and name):
        return None, 0
    try:
        defined = inspect.unwrap(attrgetter(name)(import_module(module)))
        file, line = inspect.getsourcefile(defined), inspect.getsourcelines(defined)[1]
    except (AttributeError, TypeError, OSError):  # an attribute, a constant, a property
        return None, 0
    path = Path(file)
    return (path.relative_to(REPOSITORY).as_posix(), line) if path.is_relative_to(REPOSITORY) else (None, 0)


def page_of(file: str) -> str:
    """Name the document for a file of the repository: one that Sphinx knows, or source/FILE."""
    if file in INCLUDED:
        return INCLUDED[file]
    return Path(file).with_suffix("").as_posix() if file.startswith("examples/") else f"source/{file}"


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each marked link its address."""
    for link in doctree.findall(nodes.reference):
        if "source_file" in link:
            page = page_of(link["source_file"])
            line = f"#L-{link['source_line']}" if "source_line" in link else ""
            link["refuri"] = app.builder.get_relative_uri(docname, page) + line
            if page not in app.env.all_docs:
                app.linked_sources.add(link["source_file"])


def pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Make the pages that show a file's text, each line with an anchor."""
    for file in sorted(app.linked_sources):
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        language = "python" if file.endswith(".py") else "text"
        code = app.builder.highlighter.highlight_block(text, language, lineanchors="L")
        yield page_of(file), {"title": file, "body": f"<h1><code>{file}</code></h1>{code}"}, "page.html"


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.linked_sources = set()
    app.add_transform(SourceLinks)
    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True}
