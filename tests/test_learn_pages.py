"""docs/learn: what the code of each page prints is what stands below it, and its equations are those of the source."""

import ast
import re

import pytest
from pages import ROOT, assert_same, blocks, without_code

LEARN = ROOT / "docs" / "learn"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(LEARN.glob("*.md")) if path.stem != "index"}
INCLUDE = re.compile(r"^```\{literalinclude\} (\S+)\n(?::(?!pyobject).*\n)*(?::pyobject: (\S+)\n)?", re.MULTILINE)
NAMED = re.compile(r"(?<![\w)])\((\d+[a-z]?)\)|\\tag\{(\d+[a-z]?)\}")


def included(text):
    """The source of every function that a page includes, and of the files that they come from."""
    objects, files = [], {}
    for target, name in INCLUDE.findall(text):
        source = files.setdefault(target, (LEARN / target).read_text(encoding="utf-8"))
        node = ast.parse(source)
        for part in name.split(".") if name else ():
            nodes = {child.name: child for child in node.body if hasattr(child, "name")}
            assert part in nodes, f"{target} has no {name}"
            node = nodes[part]
        objects.append(ast.get_source_segment(source, node) or source)
    return objects, list(files.values())


@pytest.mark.parametrize("page", PAGES)
def test_the_code_prints_what_stands_there(page, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {"__name__": page}
    for code, shown in blocks(PAGES[page]):
        exec(compile(code, f"{page}.md", "exec"), space)
        assert_same(capsys.readouterr().out, shown)


@pytest.mark.parametrize("page", PAGES)
def test_the_equations_are_those_of_the_source(page):
    objects, files = included(PAGES[page])
    if not files:
        return
    known = {k for source in files for k in re.findall(r"\((\d+[a-z]?)\)", source)}
    prose = without_code(PAGES[page])
    named = {"".join(pair) for pair in NAMED.findall(prose)}
    assert named <= known, "the source has no such equation"
    tagged = set(re.findall(r"\\tag\{(\d+[a-z]?)\}", prose))
    used = {
        k
        for source in objects
        for comment in re.findall(r"#.*", source)
        for k in re.findall(r"(?<!\w)\((\d+)\)", comment)
    }
    assert used <= tagged, "an included function names an equation that the page does not have"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_says_what_to_do_next(page):
    exercises = {int(path.name[:2]) for path in (ROOT / "minicnn" / "exercises" / "path").glob("[0-9]*.py")}
    numbers = {int(k) for k in re.findall(r"minicnn exercises check (\d+)", PAGES[page])}
    assert numbers <= exercises
    claims = {path.stem for path in (ROOT / "examples" / "claims").glob("[1-9]*.py")}
    assert set(re.findall(r"minicnn lesson --claim ([1-9]\w*)", PAGES[page])) <= claims | {c[0] for c in claims}
    end = PAGES[page].splitlines()[-12:]
    assert any(re.match(r"(\*\*)?Next\b", line) for line in end), "the page must lead on"
