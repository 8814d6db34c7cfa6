"""What the README shows works as it stands there."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_is_code_to_try():
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("block", BLOCKS, ids=["use", "check"])
def test_code_runs_and_prints(block, capsys):
    exec(block.replace("epochs=5", "epochs=1"), {})
    shown = capsys.readouterr().out
    assert "31,594 parameters, 31,562 trainable" in shown or "factor-batch, w: " in shown


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
