"""The pictures of a folder, decoded in all threads, and each of them only once.

To decode thousands of photographs takes minutes, to read their small versions again a moment. They are kept in one .npz
file for each folder, size and way of resizing, below `data_folder()`:

    names     text, shape (M,)              path within the folder, size in bytes, time of the last change (ns)
    images    uint8, shape (M, H, W, 3)

A picture is known only by exactly this name: those that were added or changed are decoded, those that are gone are
forgotten. A file that is missing, damaged or cannot be written costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ..atomic_write import atomic_write
from ..kernels import parallel
from ..safe_npz import SafeNpz
from .picture import read_picture
from .places import data_folder

VERSION = 1  # of the way pictures are decoded


def decode_pictures(
    root: Path,
    files: Sequence[Path],
    size: tuple[int, int],
    resize: str,
    *,
    cache: bool = True,
    progress: bool | None = None,
) -> list[np.ndarray | str]:
    """Decode the pictures of a folder.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    files : sequence of pathlib.Path
        Pictures in it.
    size : (height, width), in pixels
    resize : "antialiased" or "nearest"
    cache : bool
        Whether to look for those decoded earlier, and to keep these.
    progress : bool, optional
        Whether to show a bar; None shows it on a terminal.

    Returns
    -------
    pictures : list
        For each file its pixels, uint8 (height, width, 3), or why it cannot be read.
    """
    about = hashlib.sha256(repr((str(root), size, resize, VERSION)).encode()).hexdigest()
    path = data_folder() / "folders" / f"{root.name[:40]}-{about[:16]}.npz"
    names = [_name(root, file) for file in files]
    known = _read(path, size) if cache else {}
    pictures: list[np.ndarray | str | None] = [known.get(name) for name in names]
    new = [k for k, picture in enumerate(pictures) if picture is None]
    for k, picture in zip(new, _decode([files[k] for k in new], size, resize, progress), strict=True):
        pictures[k] = picture
    kept = {name: picture for name, picture in zip(names, pictures, strict=True) if not isinstance(picture, str)}
    if cache and kept.keys() != known.keys():
        _write(path, kept)
    return pictures


def _decode(files: Sequence[Path], size: tuple[int, int], resize: str, progress: bool | None) -> list[np.ndarray | str]:
    """Decode in as many threads as the layers use."""
    from tqdm import tqdm

    def attempt(file: Path) -> np.ndarray | str:
        try:
            return read_picture(file, size, resize)
        except Exception as error:  # decoders raise nearly every type there is
            return str(error) or type(error).__name__

    quiet = not files or (None if progress is None else not progress)
    with (
        warnings.catch_warnings(),  # the filters are everybody's: they are set once, not in each thread
        ThreadPoolExecutor(parallel.default_threads()) as pool,
        tqdm(total=len(files), unit="picture", desc="decoding", disable=quiet) as bar,
    ):
        warnings.simplefilter("ignore")  # remarks on odd metadata; the pixels are what matters
        pictures = []
        for picture in pool.map(attempt, files):
            pictures.append(picture)
            bar.update()
        return pictures


def _name(root: Path, file: Path) -> str:
    """Say which file it is, and in which state."""
    state = file.stat()
    return f"{file.relative_to(root).as_posix()}|{state.st_size}|{state.st_mtime_ns}"


def _read(path: Path, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Read the pictures decoded earlier, by name; none if the file is not there or not whole."""
    try:
        with path.open("rb") as file:
            archive, most = SafeNpz(file), path.stat().st_size
            names, images = (archive.read(key, max_bytes=most) for key in ("names", "images"))
    except (OSError, ValueError, KeyError):
        return {}
    if images.dtype != np.uint8 or images.shape != (names.size, *size, 3):
        return {}
    return dict(zip(names.tolist(), images, strict=True))


def _write(path: Path, pictures: dict[str, np.ndarray]) -> None:
    """Keep the pictures; where that cannot be done, they will be decoded again."""
    if not pictures:
        return
    try:
        with atomic_write(path) as file:
            np.savez(file, names=np.array(list(pictures)), images=np.stack(list(pictures.values())))
    except OSError:
        pass
