"""How sphinx-gallery runs and shows the scripts in examples/.

They draw without pyplot and save their figures themselves: NAME.py as NAME.png, a claim in runs/claims. Each runs in
its own folder; from there the figure is moved to its page.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

ORDER = (
    "first_network",
    "gradient_check",
    "staged_batchnorm",
    "batchnorm_terms",
    "step_size",
    "three_convolutions",
    "ten_mistakes",
    "compare_checkers",
    "augmentation",
    "lesson_network",
    "lesson_network_in_pytorch",
    "larger_than_memory",
)
NOT_RUN = (
    "lesson_network",  # needs a download
    "lesson_network_in_pytorch",  # needs PyTorch
    "larger_than_memory",  # takes minutes
)
CLAIMS = Path("runs") / "claims"


class ReadingOrder:
    """Scripts in the order of ORDER; others, and the claims, behind them by name."""

    def __init__(self, src_dir: str):
        pass

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return what to sort by."""
        name = Path(filename).stem
        return ORDER.index(name) if name in ORDER else len(ORDER), name


def show_figures(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Move the figure that the script wrote to its page's images, and leave nothing else behind."""
    script = Path(block_vars["src_file"])
    shown = []
    for folder in (script.parent, script.parent / CLAIMS):
        if (folder / f"{script.stem}.png").exists():
            shown.append(next(block_vars["image_path_iterator"]))
            shutil.move(folder / f"{script.stem}.png", shown[-1])
        (folder / f"{script.stem}.json").unlink(missing_ok=True)
    with suppress(OSError):  # not there, or something else in it
        (script.parent / CLAIMS).rmdir()
        (script.parent / CLAIMS.parent).rmdir()
    return figure_rst(shown, gallery_conf["src_dir"])
