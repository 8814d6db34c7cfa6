"""Files from the internet: downloaded once, checked, and kept.

A file is looked for in the folder of `data_folder` and in Debian's /usr/share/datasets, and counts only if its SHA-256
is one that is known. Where it lies in neither, and only then, the network is touched:

    1. of several processes one downloads, the others wait for it;
    2. the mirrors are tried in their order; each goes on where the last transfer broke off, also that of an earlier run
       (HTTP's Range);
    3. the SHA-256 is compared, and only then does the file get its name.

What has come so far lies beside as .NAME.part. It may be deleted at any time.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .places import data_folder

if TYPE_CHECKING:
    import requests

SYSTEM_FOLDER = Path("/usr/share/datasets")  # where Debian's packages dataset-* put theirs
TIMEOUT = 10, 30  # seconds: to connect, and between two pieces
PIECE = 1 << 16  # bytes
DISK_FULL = errno.ENOSPC, errno.EDQUOT


class DownloadError(OSError):
    """A file could not be had; the message says what was tried, and what can be done.

    Examples
    --------
    >>> from minicnn import datasets
    >>> try:  # doctest: +SKIP
    ...     data = datasets.load("cifar10")
    ... except datasets.DownloadError:  # no network, and it was not downloaded before
    ...     data = datasets.load("fashion-mini")  # which comes with minicnn
    """


class RemoteFile(NamedTuple):
    """A file that can be downloaded.

    Attributes
    ----------
    name : str
    size : int
        Of the download, in bytes.
    sha256 : tuple of str
        Checksum of the download, and after it those of other files with the same content (Debian packs them anew).
    mirrors : tuple of str
        Addresses of folders it lies in, the first to be tried first. Each ends in a slash.
    """

    name: str
    size: int
    sha256: tuple[str, ...]
    mirrors: tuple[str, ...]


def fetch(file: RemoteFile, dataset: str) -> Path:
    """Return where the file lies, having downloaded it if it was nowhere.

    Parameters
    ----------
    file : RemoteFile
    dataset : str
        Name of the data set: the folder that the file lies in, within the folder of `data_folder`.

    Returns
    -------
    path : pathlib.Path
        A file whose SHA-256 is one of `file.sha256`.

    Raises
    ------
    DownloadError
        If no mirror gives it, or it cannot be written. There is no half file then, and another try goes on.
    ModuleNotFoundError
        If it is not there, and the packages to download it with are not either.
    """
    found = _find(file, dataset)
    if found:
        return found
    target = data_folder() / dataset / file.name
    try:
        import filelock  # noqa: F401  both belong to the extra, and are needed for nothing else
        import pooch  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{dataset}: {file.name} is not in {target.parent}, and downloading it needs the package {error.name}: "
            f'pip install "minicnn[data]". Or put the file there yourself.'
        ) from error
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _one_process_at_a_time(target):
            return _download(file, target)  # pooch looks once more whether the file is there
    except DownloadError:
        raise
    except OSError as error:
        if error.errno in DISK_FULL:
            _part(target).unlink(missing_ok=True)  # leave the disk as it was
        raise DownloadError(
            f"{dataset}: {file.name} ({file.size:,} bytes) cannot be written to {target.parent}: "
            f"{error.strerror or error}. Make room or mend the folder, or set MINICNN_DATA to another one."
        ) from error


def _find(file: RemoteFile, dataset: str) -> Path | None:
    """Return the first file of this name that has a known checksum."""
    for folder in (data_folder() / dataset, data_folder(), SYSTEM_FOLDER / dataset):
        path = folder / file.name
        if path.is_file():
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() in file.sha256:
                    return path
    return None


def _part(target: Path) -> Path:
    """What has come so far."""
    return target.with_name(f".{target.name}.part")


@contextmanager
def _one_process_at_a_time(target: Path) -> Iterator[None]:
    """Wait until no other process downloads this file. The lock of a process that was killed is gone with it."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{target.name}: another process is downloading it; waiting.", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _download(file: RemoteFile, target: Path) -> Path:
    """Try the mirrors in their order."""
    import requests
    import urllib3

    problems = []
    for mirror in file.mirrors:
        try:
            return _retrieve(mirror + file.name, file, target)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            problems.append(f"{mirror}: {_reason(error)}")
        except (DownloadError, ValueError) as error:  # ValueError: pooch's word for a wrong checksum
            problems.append(f"{mirror}: {error}")
    raise DownloadError(
        f"{target.parent.name}: {file.name} could not be downloaded.\n  "
        + "\n  ".join(problems)
        + f"\nTry again later; what has come so far is kept. Or put the file into {target.parent} yourself "
        f"(SHA-256 {file.sha256[0]})."
    )


def _retrieve(url: str, file: RemoteFile, target: Path) -> Path:
    """Download from one address and compare the checksum."""
    import pooch

    def transfer(url: str, output: str, _pooch: object) -> None:
        _complete(_part(target), url, file)
        _part(target).replace(output)

    def retrieve() -> Path:
        return Path(pooch.retrieve(url, file.sha256[0], target.name, target.parent, downloader=transfer))

    goes_on = _part(target).exists()
    try:
        return retrieve()
    except ValueError:
        if not goes_on:
            raise
        return retrieve()  # the wrong part may have been the earlier one, which is gone now


def _complete(part: Path, url: str, file: RemoteFile) -> None:
    """Append to `part` what it lacks.

    Raises
    ------
    DownloadError, requests.RequestException, urllib3.exceptions.HTTPError
        If the mirror has something else, or the transfer broke off: `part` holds what came.
    """
    import requests
    from tqdm import tqdm

    done = part.stat().st_size if part.exists() else 0
    if done >= file.size:
        return
    _check_room(part.parent, file.size - done)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        done = _first_byte(response, done, file.size)
        with (
            part.open("ab") as out,
            tqdm(total=file.size, initial=done, unit="B", unit_scale=True, desc=file.name, disable=None) as bar,
        ):
            out.truncate(done)
            for piece in response.raw.stream(PIECE, decode_content=False):
                done += len(piece)
                if done > file.size:
                    raise DownloadError(f"sends more than the {file.size:,} bytes of the file")
                out.write(piece)
                bar.update(len(piece))
    if done < file.size:
        raise DownloadError(f"broke off after {done:,} of {file.size:,} bytes")


def _check_room(folder: Path, missing: int) -> None:
    """Raise if the disk is too full, before it is filled."""
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise OSError(errno.ENOSPC, f"{missing:,} bytes are to come, but the disk has only {free:,} left")


def _first_byte(response: requests.Response, asked: int, size: int) -> int:
    """Return where in the file the answer begins: where it was asked to, or at the file's beginning.

    A page that says "please log in" and the like is told from the file by its length, and leaves no trace.
    """
    response.raise_for_status()
    first = asked if response.headers.get("Content-Range", "").startswith(f"bytes {asked}-") else 0
    length = response.headers.get("Content-Length")
    if response.status_code not in (200, 206) or length != str(size - first):
        raise DownloadError(f"answers with {length or 'an unknown number of'} bytes, expected {size - first:,}")
    return first


def _reason(error: Exception) -> str:
    """Say in a few words what the libraries say in many."""
    import requests

    if isinstance(error, requests.HTTPError):
        return f"answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "does not answer"
    if isinstance(error, requests.exceptions.SSLError):
        return "shows a certificate that cannot be verified"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"broke off ({error})"
