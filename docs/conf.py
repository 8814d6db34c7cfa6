"""How Sphinx builds the site: `make docs`."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "extensions")]

import gallery  # noqa: E402

import minicnn  # noqa: E402

project = "minicnn"
author = project_copyright = "The minicnn authors"
release = version = minicnn.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "source_links",
    "public_names",
    "top_of_file",
    "shapes",
]
exclude_patterns = ["_build", "extensions"]

html_theme = "furo"
html_title = "minicnn"
html_favicon = "_static/icon.svg"
PLAY = [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.glob("play/*.[cj]s*"))]
html_static_path = ["_static", *PLAY]  # the scripts and styles of the pages that move
html_css_files = ["site.css", "cheatsheet.css"]
html_copy_source = html_show_sphinx = False
highlight_language = "none"  # of a block that names none
pygments_style, pygments_dark_style = "tango", "github-dark"

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 4  # headings can be linked to as on GitHub

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections have them
numpydoc_show_class_members = False
numpydoc_validation_checks = {"GL06", "GL07", "SS01", "PR02", "PR05", "YD01"}  # sections, and parameters that are none

NOTEBOOK_BEGIN = """\
# A notebook has no command line: options of the script stand here, such as ["--quick"].
import sys
import time

sys.argv[1:] = []
started = time.time()"""

NOTEBOOK_END = """\
# The figures that the script wrote.
from pathlib import Path

from IPython.display import Image, display

for path in sorted(Path().rglob("*.png")):
    if path.stat().st_mtime >= started:
        display(Image(path))"""

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "filename_pattern": "".join(rf"(?<!{name})" for name in gallery.NOT_RUN) + r"\.py$",
    "within_subsection_order": "gallery.ReadingOrder",
    "image_scrapers": ("gallery.show_figures",),
    "reset_modules": (),
    "default_thumb_file": str(DOCS / "_static" / "thumbnail.png"),
    "first_notebook_cell": NOTEBOOK_BEGIN,
    "last_notebook_cell": NOTEBOOK_END,
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1,
    "matplotlib_animations": False,
}
