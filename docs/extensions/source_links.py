"""Links to files outside docs/, as GitHub understands them, lead to pages of the site.

`[dense.py](../minicnn/layers/dense.py)` leads to a page with the file's text, `../examples/NAME.py` to its page in the
gallery, and `../CONTRIBUTING.md` to the page that includes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

REPOSITORY = Path(__file__).parents[2]
INCLUDED = {"CONTRIBUTING.md": "contributing", "CHANGELOG.md": "changelog", "README.md": "index"}


class SourceLinks(SphinxTransform):
    """Take links to files of the repository from those that Sphinx offers as downloads."""

    default_priority = 500

    def apply(self, **_: object) -> None:
        """Mark each with the document that it leads to; whether that is in the site or has to be made, shows later."""
        for link in list(self.document.findall(addnodes.download_reference)):
            _, path = self.env.relfn2path(link["reftarget"], self.env.docname)
            path = Path(path).resolve()
            if path.is_relative_to(REPOSITORY) and not path.is_relative_to(self.env.srcdir):
                file = path.relative_to(REPOSITORY).as_posix()
                link.replace_self(nodes.reference("", "", *link.children, source_file=file, internal=True))


def page_of(file: str) -> str:
    """Name the document for a file of the repository: one that Sphinx knows, or source/FILE."""
    if file in INCLUDED:
        return INCLUDED[file]
    return str(Path(file).with_suffix("").as_posix()) if file.startswith("examples/") else f"source/{file}"


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Give each marked link its address."""
    for link in doctree.findall(nodes.reference):
        if "source_file" in link:
            file = link["source_file"]
            link["refuri"] = app.builder.get_relative_uri(docname, page_of(file))
            if page_of(file) not in app.env.all_docs:
                app.linked_sources.add(file)


def pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Make the pages that show a file's text."""
    for file in sorted(app.linked_sources):
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        language = "python" if file.endswith(".py") else "text"
        code = app.builder.highlighter.highlight_block(text, language)
        yield page_of(file), {"title": file, "body": f"<h1><code>{file}</code></h1>{code}"}, "page.html"


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.linked_sources = set()
    app.add_transform(SourceLinks)
    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", pages)
    return {"parallel_read_safe": True}
