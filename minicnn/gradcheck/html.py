"""A report as HTML for a notebook: the same blocks as the text, in one element that needs nothing from elsewhere.

Text and lines take the page's own colour, so that it reads well on white and on black; red, green and amber are of a
middle brightness. Where styles are taken out, as on some sites, plain headings and tables remain.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .text import Row, argument_rows, evidence_line, merged, next_steps, notes, worst_heading, worst_rows

if TYPE_CHECKING:
    from .report import Finding, Report

RED, GREEN, AMBER = "#d1495b", "#2a9461", "#b8860b"
STYLE = f"""
.minicnn-gradcheck {{ font-size: 0.95em; line-height: 1.45; max-width: 60em }}
.minicnn-gradcheck table {{ border-collapse: collapse; margin: 0.3em 0 0.9em; font-variant-numeric: tabular-nums }}
.minicnn-gradcheck th, .minicnn-gradcheck td {{ padding: 0.15em 0.9em 0.15em 0; text-align: right; border: 0;
    border-bottom: 1px solid rgba(128, 128, 128, 0.35); background: none; color: inherit }}
.minicnn-gradcheck th {{ font-weight: normal; opacity: 0.7 }}
.minicnn-gradcheck .left {{ text-align: left }}
.minicnn-gradcheck .wrong {{ color: {RED} }}
.minicnn-gradcheck .ok {{ color: {GREEN} }}
.minicnn-gradcheck .note {{ color: {AMBER} }}
.minicnn-gradcheck small {{ opacity: 0.7; font-size: 0.9em }}
"""
VERDICT_CLASS = {
    **{"ok": "ok", "WRONG": "wrong", "not compared": "note"},  # of a report
    **{"right": "ok", "FIRST WRONG": "wrong", "WRONG TOO": "wrong", "wrong": "note", "spoiled": "note"},  # of a trace
}


def render_html(report: Report) -> str:
    """Write the whole report.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        One `div`; every text that came from outside is escaped.
    """
    verdict = _span("passed", "ok") if report.passed else _span("FAILED", "wrong")
    parts = [
        f"<p><b>Gradient check of {escape(report.title)}: {verdict}</b></p>",
        table(argument_rows(report.arguments), left=2),
    ]
    parts += [
        f"<details open><summary>{escape(worst_heading(a))}</summary>{table(worst_rows(a), left=1)}</details>"
        for a in report.arguments
        if a.wrong.any()
    ]
    parts += [f"<p><small>{escape(note)}</small></p>" for note in notes(report)]
    parts += findings_html(report.findings)
    return page(parts)


def page(parts: list[str]) -> str:
    """The parts in one element, with the style."""
    return f'<div class="minicnn-gradcheck"><style>{STYLE}</style>\n{chr(10).join(parts)}\n</div>'


def findings_html(findings: list[Finding], traced: bool = False) -> list[str]:
    """What was found, and what to try next."""
    if not findings:
        return []
    steps = "".join(f"<li>{escape(step)}</li>" for step in next_steps(findings, traced))
    return [
        f"<p><b>What was found</b></p><ul>{''.join(map(_finding, merged(findings)))}</ul>",
        f"<p><b>What to try next</b></p><ul>{steps}</ul>" if steps else "",
    ]


def table(rows: list[Row], left: int) -> str:
    """A table whose first `left` columns hold words."""
    head, *body = rows
    lines = [_row(head, "th", left), *(_row(row, "td", left) for row in body)]
    return f"<table>{''.join(lines)}</table>"


def _row(cells: Row, tag: str, left: int) -> str:
    text = ""
    for column, cell in enumerate(cells):
        kind = VERDICT_CLASS.get(cell, "") if column == len(cells) - 1 else ""
        classes = " ".join(filter(None, ["left" if column < left or kind else "", kind]))
        attribute = f' class="{classes}"' if classes else ""
        text += f"<{tag}{attribute}>{escape(cell.replace('+-', '±'))}</{tag}>"
    return f"<tr>{text}</tr>"


def _finding(finding: Finding) -> str:
    about = f"{finding.code}, {finding.argument}" if finding.argument else finding.code
    evidence = evidence_line(finding, width=400)
    small = f"<br><small>{escape(evidence)}</small>" if evidence else ""
    kind = "wrong" if finding.is_error else "note"
    return f"<li>{_span(about, kind)}: {escape(finding.message)}{small}</li>"


def _span(text: str, kind: str) -> str:
    return f'<span class="{kind}">{escape(text)}</span>'
