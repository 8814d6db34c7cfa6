"""What the process that runs a submission's code is given: a copy of the files, and few environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LARGEST_SOURCE = 1 << 20  # bytes
NEEDED = {
    *("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LANG", "XDG_CACHE_HOME"),
    *("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "SYSTEMROOT", "WINDIR", "TMPDIR", "TMP", "TEMP"),
}  # HOME and its like lead to Numba's cache; worker.py changes them before the code runs
FAMILIES = "LC_", "DYLD_", "NUMBA_", "MINICNN_"


def copy_files(folder: Path, copy: Path) -> Path:
    """Copy the Python files that lie in a folder itself; no links, which could lead anywhere, and no huge files.

    Parameters
    ----------
    folder : Path
    copy : Path
        The new folder.

    Returns
    -------
    Path
        `copy`.
    """
    copy.mkdir()
    for file in folder.glob("*.py"):
        if file.is_file() and not file.is_symlink() and file.stat().st_size <= LARGEST_SOURCE:
            (copy / file.name).write_bytes(file.read_bytes())
    return copy


def few_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment variables without which Python and the libraries do not load; no passwords.

    Parameters
    ----------
    variables : dict of str to str
        The environment.

    Returns
    -------
    dict of str to str
    """
    return {k: v for k, v in variables.items() if k.upper() in NEEDED or k.upper().startswith(FAMILIES)}
