"""Reading .npz files that may be damaged, or made to do harm.

An .npz file is a zip archive of arrays. It tells three times what is in it, and each time it may lie:

    the directory at the end      for each member its name, its place, its size before and after compression
    a header before each member   its name once more
    a header in each member       the array's dtype and shape; then come the numbers

So nothing is believed, and nothing of an array's size is allocated before these rules hold:

    the directory has at most `MOST_DIRECTORY` bytes, and no name stands in it twice                (1)
    members are stored or deflated, not encrypted, and lie side by side within the file             (2)
    a member is no larger than deflate could have packed into its place                             (3)
    its array is of plain numbers or text, and fills the member exactly                             (4)
    it has no more bytes than the caller allows                                                     (5)

An array of Python objects would be a pickle, which can run any code when it is read: (4) leaves it out. A name is a key
in a dictionary and never a path, and the header of an array is matched against a pattern, not evaluated. The zip's own
checksums are compared as the numbers come in. What breaks a rule raises ValueError, which the caller completes with the
file's name.

Sources: PKWARE, ".ZIP File Format Specification"; "numpy.lib.format"; Deutsch, "DEFLATE", RFC 1951.
"""

from __future__ import annotations

import math
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

import numpy as np

MOST_DIRECTORY = 1 << 20  # bytes: room for some ten thousand arrays
MOST_HEADER = 4096  # bytes of an array's header; NumPy's own have 128
MOST_AXES = 32
PIECE = 1 << 20  # bytes read at a time
DEFLATE_RATIO = 1032  # a deflated byte gives at most so many

LOCAL_HEADER = struct.Struct("<4s22xHH")  # before each member: signature, lengths of the name and of the extra field
# {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, just as NumPy writes it. Kinds of plain values: bool,
# integers, floats, text.
NPY_HEADER = re.compile(
    rb"\{'descr': '([<>|=][biufSU]\d{1,9})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\),? *\}\s*"
)
LENGTH_FIELD = {(1, 0): struct.Struct("<H"), (2, 0): struct.Struct("<I")}  # by version of the header


class ArrayHeader(NamedTuple):
    """What the file says about one array, before any of its numbers is read.

    Attributes
    ----------
    dtype : numpy.dtype
    shape : tuple of int
    order : "C" or "F"
        Whether the last or the first index runs fastest.
    nbytes : int
        Size of the numbers in memory, in bytes.
    skip : int
        Bytes of the member before the numbers.
    offset : int or None
        Where in the file the numbers begin; None if they are compressed.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    order: str
    nbytes: int
    skip: int
    offset: int | None


class SafeNpz:
    """The arrays of an .npz file that is open for reading.

    Parameters
    ----------
    file : binary file
        With `read`, `seek` and `tell`; it has to stay open meanwhile.

    Attributes
    ----------
    names : list of str
        Names of the arrays, as they were given to `numpy.savez`.

    Raises
    ------
    ValueError
        If rule (1), (2) or (3) is broken; `header` and `read` raise it for the others.
    """

    def __init__(self, file: BinaryIO):
        with _as_value_error():
            file = _SmallReads(file)
            self._zip = zipfile.ZipFile(file)
            self._members = _by_name(self._zip.infolist())
            self._starts = _checked_places(file, self._zip)
        self.names = list(self._members)

    def header(self, name: str) -> ArrayHeader:
        """Read dtype and shape of one array, rule (4).

        Parameters
        ----------
        name : str
            One of `names`.

        Returns
        -------
        header : ArrayHeader
        """
        member = self._members[name]
        with _as_value_error(), self._zip.open(member) as content:
            dtype, shape, order, skip = _read_npy_header(content, name)
        nbytes = math.prod(shape) * dtype.itemsize
        if skip + nbytes != member.file_size:  # (4)
            raise ValueError(
                f"{name} says that it is {dtype} of shape {shape}, which is {nbytes} bytes, but it has"
                f" {member.file_size - skip}"
            )
        stored = member.compress_type == zipfile.ZIP_STORED
        return ArrayHeader(dtype, shape, order, nbytes, skip, self._starts[name] + skip if stored else None)

    def read(self, name: str, *, max_bytes: int) -> np.ndarray:
        """Read one array, rules (4) and (5).

        Parameters
        ----------
        name : str
            One of `names`.
        max_bytes : int
            How large it may be in memory.

        Returns
        -------
        array : array
            In the machine's own byte order.
        """
        header = self.header(name)
        if header.nbytes > max_bytes:  # (5)
            raise ValueError(f"{name} needs {header.nbytes} bytes of memory, more than the {max_bytes} allowed")
        numbers = np.empty(header.nbytes, np.uint8)  # takes up memory only as far as it is filled
        with _as_value_error(), self._zip.open(self._members[name]) as content:
            content.read(header.skip)
            for start in range(0, header.nbytes, PIECE):
                part = numbers[start : start + PIECE]
                piece = content.read(len(part))
                if len(piece) < len(part):
                    raise ValueError(f"{name} ends early")
                part[:] = np.frombuffer(piece, np.uint8)
            array = numbers.view(header.dtype).reshape(header.shape, order=header.order)
        return array.astype(header.dtype.newbyteorder("="), copy=False)


class _SmallReads:
    """A file that is read in small pieces only: `zipfile` reads the directory in one piece, however large, rule (1)."""

    def __init__(self, file: BinaryIO):
        self._file, self.seek, self.tell = file, file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes, or all that are left."""
        if size > MOST_DIRECTORY:
            raise ValueError(f"its directory has {size} bytes, more than the {MOST_DIRECTORY} allowed")  # (1)
        return self._file.read(MOST_DIRECTORY if size < 0 else size)

    def seekable(self) -> bool:
        """Say that `seek` is there."""
        return True


@contextmanager
def _as_value_error() -> Iterator[None]:
    """Raise ValueError for everything that zipfile and zlib raise when a file is not as it should be."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OverflowError, struct.error) as error:
        raise ValueError(str(error) or "it ends early") from error


def _array_name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _by_name(members: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Members by the names of their arrays; each of them alone must be readable, rules (1) to (3)."""
    by_name = {}
    for member in members:
        name = _array_name(member)
        if name in by_name:
            raise ValueError(f"{name} is in it twice")  # (1)
        if member.flag_bits & 1:
            raise ValueError(f"{name} is encrypted")  # (2)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a way that NumPy does not write")  # (2)
        ratio = 1 if member.compress_type == zipfile.ZIP_STORED else DEFLATE_RATIO
        if member.file_size > member.compress_size * ratio:
            size, place = member.file_size, member.compress_size
            raise ValueError(f"{name} cannot have {size} bytes: {place} are stored")  # (3)
        by_name[name] = member
    return by_name


def _checked_places(file: _SmallReads, archive: zipfile.ZipFile) -> dict[str, int]:
    """Where each member's content begins, after seeing that members do not overlap, rule (2)."""
    starts, end_before = {}, 0
    for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
        name = _array_name(member)
        if member.header_offset < end_before:
            raise ValueError(f"{name} overlaps another member")
        file.seek(member.header_offset)
        signature, name_length, extra_length = LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size))
        if signature != b"PK\x03\x04":
            raise ValueError(f"{name} is not where the directory says")
        start = member.header_offset + LOCAL_HEADER.size + name_length + extra_length
        end_before = start + member.compress_size
        starts[name] = start
    if end_before > archive.start_dir:
        raise ValueError("its last member overlaps the directory")
    return starts


def _read_npy_header(content: BinaryIO, name: str) -> tuple[np.dtype, tuple[int, ...], str, int]:
    """Read the header of one array, rule (4): dtype, shape, order and the header's own length."""
    magic = content.read(8)
    field = LENGTH_FIELD.get(tuple(magic[6:]))
    if magic[:6] != b"\x93NUMPY" or field is None:
        raise ValueError(f"{name} is no array")
    (length,) = field.unpack(content.read(field.size))
    found = NPY_HEADER.fullmatch(content.read(min(length, MOST_HEADER)))
    if found is None or length > MOST_HEADER:
        raise ValueError(
            f"{name} is no array of plain numbers or text; arrays of Python objects, which would need"
            " allow_pickle=True to be written, are not read"
        )
    try:
        dtype = np.dtype(found[1].decode())
        shape = tuple(int(size) for size in found[3].split(b",") if size.strip())
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} has a header that cannot be understood: {error}") from error
    if dtype.itemsize == 0 or len(shape) > MOST_AXES or max(shape, default=0) > sys.maxsize:
        raise ValueError(f"{name} has an absurd header: {found[0]!r:.200}")
    order = "F" if found[2] == b"True" else "C"
    return dtype, shape, order, len(magic) + field.size + length
