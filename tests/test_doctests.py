"""Every public name has an example that does what stands there, and a place in the reference, docs/api."""

import doctest
import inspect
import os
import re
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest

import minicnn

PACKAGE = Path(minicnn.__file__).parent
PAGES = Path(__file__).parents[1] / "docs" / "api"
HOMES = ("", *(m for m in minicnn.__all__ if m in minicnn._MODULES), "claims", "estimates", "exercises", "reference")


def public():
    """Every public name that can have a docstring of its own, with what it stands for."""
    for home in HOMES:
        module = import_module(f"minicnn.{home}".rstrip("."))
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isroutine(thing) or inspect.ismodule(thing):
                yield f"{module.__name__}.{name}", thing


def with_examples():
    """The modules of files that look as if they had examples, by their names."""
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if ">>> " in file.read_text(encoding="utf-8")]
    return [".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in files]


def test_every_public_name_has_an_example():
    without = []
    for name, thing in public():
        doc = thing.__doc__ or ""
        if ">>> " not in doc or not (inspect.ismodule(thing) or "Examples\n" in doc):
            without.append(name)
    assert not without, f"{len(without)} without: {', '.join(without)}"


def test_every_public_name_has_a_place_in_the_reference():
    names = dict(public())  # first, for it imports the modules
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))
    described = re.findall(r"^\.\. (?:auto\w+|module):: minicnn\.(\S+)$", text, flags=re.MULTILINE)
    things = [attrgetter(name)(minicnn) for name in described]
    assert len(described) == len(set(described))
    assert [name for name, thing in names.items() if not any(thing is other for other in things)] == []


@pytest.mark.parametrize("module", with_examples())
def test_examples_of(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some write files
    finder = doctest.DocTestFinder()
    module = import_module(module.removesuffix(".__init__"))
    said = []
    for test in finder.find(module, globs={"np": np}):  # only what a reader has typed, and NumPy
        doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


def test_examples_without_the_compiler():
    result = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, "-k", "test_examples_of and (layers or losses or augment)"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
