"""docs/when-training-goes-wrong.md: its examples run and say what stands there, and every code has its section."""

import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "when-training-goes-wrong.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, flags=re.DOTALL)
HEADINGS = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), flags=re.MULTILINE)
SAID = re.compile(r'(?:tell\(\s*|return )"([a-z]+(?:-[a-z]+)+)"')


def words(text):
    """Without spacing and without the digits that another machine may round differently."""
    return " ".join(re.sub(r"-?\d+(\.\d+)?(e[-+]?\d+)?", "#", text).split())


def test_the_examples_say_what_stands_there(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = {}
    for code, shown in BLOCKS:
        error = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                exec(code, space)
            except ArithmeticError as raised:
                error = f"{type(raised).__name__}: {raised}"
        said = [f"{warning.category.__name__}: {warning.message}" for warning in caught]
        assert words("\n".join([capsys.readouterr().out, *said, error])) == words(shown), code
    assert len(BLOCKS) >= 16 and (tmp_path / "curves.png").stat().st_size > 5000


def test_every_warning_has_its_section_and_an_example():
    sources = [*(ROOT / "minicnn" / "teacher").glob("*.py"), ROOT / "minicnn" / "mode_watch.py"]
    codes = {code for path in sources for code in SAID.findall(path.read_text(encoding="utf-8"))}
    sections = {heading for heading in HEADINGS if re.fullmatch(r"[a-z]+(-[a-z]+)+", heading)}
    assert len(codes) == 10 and codes == sections
    assert codes == set(re.findall(r"^TrainingWarning: ([a-z-]+): ", PAGE, flags=re.MULTILINE))


def test_links_lead_somewhere():
    anchors = {re.sub(r"[^a-z -]", "", heading.lower()).replace(" ", "-") for heading in HEADINGS}
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        file, _, anchor = target.partition("#")
        assert not file or (ROOT / "docs" / file).exists(), target
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:callbacks|schedules|plots)\.(\w+)", PAGE))))
def test_what_it_names_is_there(name):
    from minicnn import callbacks, plots, schedules

    assert any(hasattr(module, name) for module in (callbacks, plots, schedules))
