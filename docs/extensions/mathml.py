r"""Formulas as MathML, which browsers draw by themselves: no script, no network.

A formula's number is the one it has in the source file: `$$ y = x w + b \tag{1} $$`, as on GitHub.
"""

from __future__ import annotations

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)

TAG = re.compile(r"\\tag\{([^}]*)\}")


def mathml(node: nodes.Element, latex: str, display: str) -> str:
    r"""Convert a formula; a command that latex2mathml does not know (it leaves the \ standing) is a warning."""
    formula = convert(latex.replace("{aligned}", "{split}"), display=display)  # its name for the same
    unknown = re.findall(r"\\[a-zA-Z]+", formula)
    if unknown:
        logger.warning("no MathML for %s in the formula %s", ", ".join(unknown), latex, location=node)
    return formula


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """A formula in a line of text."""
    translator.body.append(mathml(node, node.astext(), "inline"))
    raise nodes.SkipNode


def visit_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    r"""A formula on a line of its own, with the number that \tag gives it."""
    latex = node.astext()
    numbers = TAG.findall(latex)
    label = f'<span class="eqno">({numbers[0]})</span>' if numbers else ""
    formula = mathml(node, TAG.sub("", latex), "block")
    translator.body.append(f'<div class="math">{formula}{label}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
