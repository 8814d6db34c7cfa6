r"""Where minicnn keeps data: downloads, and pictures it has decoded once.

The environment variable MINICNN_DATA names the folder. Without it, each system has a place for what can be made again:

    Linux      $XDG_CACHE_HOME/minicnn, by default ~/.cache/minicnn
    macOS      ~/Library/Caches/minicnn
    Windows    %LOCALAPPDATA%\minicnn\Cache
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def data_folder() -> Path:
    """Return the folder where minicnn keeps data; it need not be there yet.

    Returns
    -------
    folder : pathlib.Path
        Absolute.

    Examples
    --------
    >>> from minicnn.datasets import data_folder
    >>> data_folder().is_absolute()  # ~/.cache/minicnn on Linux, if MINICNN_DATA names no other
    True
    """
    chosen = os.environ.get("MINICNN_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "minicnn" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "minicnn"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "minicnn"
