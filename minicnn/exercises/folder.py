"""A learner's folder: one file an exercise, and a README. `start` never overwrites what is there."""

from __future__ import annotations

from pathlib import Path

from .course import Entry, path

README = "README.md"


def start(folder: Path) -> list[str]:
    """Write the files that are not there yet.

    Parameters
    ----------
    folder : Path
        Made if it is missing.

    Returns
    -------
    list of str
        Names of the files written.

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {README: readme()} | {file_name(entry): entry.stub for entry in path()}
    return [name for name, text in texts.items() if _write_new(folder / name, text)]


def write_solutions(folder: Path) -> None:
    """Write the solution of every exercise into a folder, which is made; files of these names are overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    for entry in path():
        (folder / file_name(entry)).write_text(entry.solution, encoding="utf-8")


def _write_new(file: Path, text: str) -> bool:
    """Write a file unless there is one."""
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        return False
    return True


def file_name(entry: Entry) -> str:
    """Name of an exercise's file."""
    return f"{entry.name}.py"


def has_exercises(folder: Path) -> bool:
    """Whether any exercise's file is in a folder."""
    return any((folder / file_name(entry)).is_file() for entry in path())


def readme() -> str:
    """The README of the folder, with the list of the exercises."""
    text = Path(__file__).with_name("learner_readme.md").read_text(encoding="utf-8")
    lines = [f"| `{file_name(entry)}` | {_described(entry)} |" for entry in path()]
    return text.replace("{path}", "\n".join(lines))


def _described(entry: Entry) -> str:
    extra = " (an extra: may be left out)" if entry.exercise.extra else ""
    builds_on = ", ".join(str(int(name.split("_")[0])) for name in entry.exercise.builds_on)
    return f"{entry.exercise.title}{extra}{f'; builds on {builds_on}' if builds_on else ''}"
