"""What the README shows works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn import Conv2D, Dense, Flatten, ReLU, Sequential

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_there_is_code_to_try():
    assert len(BLOCKS) == 3


@pytest.mark.parametrize("block", BLOCKS[:2], ids=["use", "check"])
def test_code_runs_and_prints(block, capsys):
    exec(block.replace("epochs=5", "epochs=1"), {})
    shown = capsys.readouterr().out
    assert "31,594 parameters, 31,562 trainable" in shown or "factor-batch, w: " in shown


def test_data_of_your_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for k in range(40):
        picture = tmp_path / "pets" / ("cat", "dog")[k % 2] / f"{k}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 128 + 127 * (k % 2), (40, 50, 3), dtype=np.uint8)).save(picture)
    model = Sequential([Conv2D(4, 3, stride=2), ReLU(), Flatten(), Dense(2)], input_shape=(32, 32, 3))
    scope = {"model": model}
    exec(BLOCKS[2].replace("epochs=20", "epochs=2"), scope)
    assert "32 training and 8 test images" in capsys.readouterr().out
    assert scope["history"].epochs == 2
    assert (tmp_path / "pets.run.npz").exists()


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
