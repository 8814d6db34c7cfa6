"""Figures of the gallery: the PNG files that a script wrote.

The scripts in examples/ draw without pyplot and save by themselves. Here each is told, by the option it has, to save
into a folder of its own, and what is in the folder afterwards is shown on its page.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

BUILD = Path(__file__).parents[1] / "_build"


def folder_of(script: str) -> Path:
    """Where the script's figures go."""
    return BUILD / "figures" / Path(script).stem


def arguments(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the arguments to run a script with: `--figure FILE` or `--out FOLDER`, whichever it takes."""
    script = Path(script_vars["src_file"])
    folder = folder_of(script)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = script.read_text(encoding="utf-8")
    if script.parent.name == "claims":
        return ["--out", str(folder)]
    return ["--figure", str(folder / f"{script.stem}.png")] if '"--figure"' in source else []


def scrape(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Move the PNG files that the block wrote into the gallery, in the order of their names."""
    found = sorted(folder_of(block_vars["src_file"]).glob("*.png"))
    images = [next(block_vars["image_path_iterator"]) for _ in found]
    for figure, image in zip(found, images, strict=True):
        shutil.move(figure, image)
    return figure_rst(images, gallery_conf["src_dir"])
