"""The text at the top of a source file as part of a page: `.. top_of_file:: minicnn.layers.dense`.

Its paragraphs become paragraphs; what is indented there, equations mostly, keeps its lines, with the equations' numbers
moved nearer; lines that begin with >>> are an example. The first paragraph is the file's title, and left out.
"""

from __future__ import annotations

import re
from importlib import import_module
from inspect import cleandoc
from textwrap import dedent

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NUMBERED = re.compile(r"^(.*\S)   +(\(\d+\).*)$", re.MULTILINE)
AS_IT_STANDS = " ", "|", ">>> "  # how paragraphs begin that keep their lines


class TopOfFile(SphinxDirective):
    """The docstring of a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the nodes, paragraph by paragraph."""
        module = import_module(self.arguments[0])
        self.env.note_dependency(module.__file__)
        _, *blocks = paragraphs(cleandoc(module.__doc__))
        return [node for block in blocks for node in self.block(block)]

    def block(self, text: str) -> list[nodes.Node]:
        """Nodes of one paragraph."""
        if not text.startswith(AS_IT_STANDS):
            return self.parse_text_to_nodes(text)
        code = with_numbers_nearer(dedent(text))
        return [nodes.literal_block(code, code, language="pycon" if text.startswith(">>> ") else "text")]


def paragraphs(text: str) -> list[str]:
    """Split at empty lines; indented paragraphs that follow each other, equations in groups, stay together."""
    found: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith(" ") and found and found[-1].startswith(" "):
            found[-1] += f"\n\n{paragraph}"
        else:
            found.append(paragraph)
    return found


def with_numbers_nearer(text: str) -> str:
    """Move the numbers of equations to the left as far as the longest of these leaves room."""
    width = max((len(match[1]) for match in NUMBERED.finditer(text)), default=0) + 2
    return NUMBERED.sub(lambda match: match[1].ljust(width) + match[2], text)


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_directive("top_of_file", TopOfFile)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
