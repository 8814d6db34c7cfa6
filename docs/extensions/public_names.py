"""In docstrings, a public name in `backticks` becomes a link to where it is described, anything else code."""

from __future__ import annotations

import sys

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxRole

import minicnn


class NameRole(SphinxRole):
    """`name`: what single backticks mean in reStructuredText here."""

    def run(self) -> tuple[list[nodes.Node], list]:
        """Make the link, or the code."""
        code = nodes.literal(self.rawtext, self.text)
        target = full_name(self.text, self.env.ref_context.get("py:module", "minicnn"))
        if target is None:
            return [code], []
        link = addnodes.pending_xref(self.rawtext, code, refdomain="py", reftype="obj", reftarget=target)
        link["refdoc"] = self.env.current_document.docname
        return [link], []


def full_name(text: str, here: str) -> str | None:
    """Find the public name that `text` means in a docstring of the module `here`; None if there is none."""
    if text.startswith("minicnn."):
        return text
    if text in minicnn._MODULES:  # a word like any other, such as `layers`
        return None
    first = text.partition(".")[0]
    for home in (here, "minicnn", *(f"minicnn.{module}" for module in minicnn._MODULES)):
        if first in getattr(sys.modules.get(home), "__all__", ()):
            thing = getattr(sys.modules[home], first)
            is_at_the_top = first in minicnn.__all__ and getattr(minicnn, first) is thing
            return f"minicnn.{text}" if is_at_the_top else f"{home}.{text}"
    return None


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_role("name", NameRole())
    app.config.default_role = "name"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
