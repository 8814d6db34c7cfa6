"""The gallery's notebooks run from top to bottom, in the quick form of their scripts."""

import shutil

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from viewing import DOCS

NOTEBOOKS = sorted((DOCS / "examples").rglob("*.ipynb"))
NO_ARGUMENTS = "sys.argv[1:] = []"


def arguments(name, code, folder):
    """What stands in the first cell for the test: the quick form, and pictures where a script would download some."""
    if name.startswith("lesson_network"):
        images, labels = np.zeros((60, 32, 32, 3), np.uint8), np.arange(60) % 2
        np.savez(folder / "pets.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
        return ["pets.npz", "--epochs", "1"]
    return ["--quick"] if 'add_argument("--quick"' in code or "main(CLAIM)" in code else []


def test_there_are_notebooks():
    assert {"first_network", "gradient_check", "step_size"} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook(path, tmp_path):
    if path.stem == "lesson_network_in_pytorch":
        pytest.importorskip("torch")
    for script in path.parent.glob("*.py"):  # one imports its neighbour
        shutil.copy(script, tmp_path)
    notebook = nbformat.read(path, as_version=4)
    first, *_, last = cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code = "\n".join(cell.source for cell in cells)
    assert NO_ARGUMENTS in first.source
    first.source = first.source.replace("[]", repr(arguments(path.stem, code, tmp_path)))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for output in last.outputs if "data" in output and "image/png" in output.data]
    assert len(shown) == len(list(tmp_path.rglob("*.png")))
