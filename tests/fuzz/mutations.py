"""Ways to spoil a file: bytes at random, as a bad disk does, and parts with right checksums, as an attacker does."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache

import numpy as np

from minicnn.checkpoint.writer import checksum

NASTY = [
    *(0, -1, 1, 2**31, 2**63, 10**30, 10**400, 0.5, 1e308, float("nan"), float("inf"), None, True, ""),
    *("x" * 300, "relu", "../../x", "\ud800", [], {}, [[]], [0, -1], [10**9] * 3, {"a": {}}),
]
SHAPES = [(), (0,), (1,), (3,), (2, 3), (3, 2), (1,) * 9, (10**5,)]
DTYPES = ["f4", "f8", ">f4", "i8", "u1", "?", "U3", "S2"]


def spoil_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """Change a file without knowing what it is."""
    spoiled, place = bytearray(content), int(rng.integers(len(content)))
    length = int(rng.integers(1, 40))
    kind = rng.integers(6)
    if kind == 0:
        spoiled[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        spoiled[place : place + length] = rng.bytes(length)
    elif kind == 2:
        del spoiled[place:]
    elif kind == 3:
        del spoiled[place : place + length]
    elif kind == 4:
        source = int(rng.integers(len(content)))
        spoiled[place : place + length] = content[source : source + length]
    else:
        number = int(rng.choice([0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]))
        spoiled[place : place + 4] = number.to_bytes(4, "little")
    return bytes(spoiled)


def spoil_parts(content: bytes, rng: np.random.Generator) -> bytes:
    """Change one part of an .npz file, and give all checksums their right values again."""
    members, checksums = (dict(part) for part in _members(content))
    name = str(rng.choice([name for name in members if name != "checksums"]))
    array = np.load(io.BytesIO(members.pop(name)))
    checksums.pop(name, None)
    if array.dtype.kind == "U" and array.ndim == 0:
        array = np.array(_spoil_json(str(array), rng))
    elif rng.integers(2):
        name = str(rng.choice(["run/x", "params/dense_9.w", "../x", "optimizer/dense_1.w/x"]))
    else:
        array = np.ones(SHAPES[rng.integers(len(SHAPES))], DTYPES[rng.integers(len(DTYPES))])
    members[name] = _npy(array)
    if checksums:
        members["checksums"] = _npy(np.array(json.dumps(checksums | {name: checksum(array)})))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # numpy.savez keeps to names that could be Python's
        for name, member in members.items():
            archive.writestr(f"{name}.npy", member)
    return file.getvalue()


@cache
def _members(content: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    """The members of an .npz file, and its checksums if it has any."""
    with np.load(io.BytesIO(content)) as archive:
        checksums = json.loads(str(archive["checksums"])) if "checksums" in archive else {}
        return {name: _npy(array) for name, array in archive.items()}, checksums


def _spoil_json(text: str, rng: np.random.Generator) -> str:
    """Replace one value somewhere in a JSON text, or some of its letters."""
    if rng.integers(4) == 0:
        place = int(rng.integers(len(text)))
        letters = str(rng.choice(['"', "{", "[" * 2000, "}", ",", "-", "1e999", "null", ""]))
        return text[:place] + letters + text[place + 1 :]
    root = node = json.loads(text)
    while True:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = keys[rng.integers(len(keys))]
        if not isinstance(node[key], dict | list) or not node[key] or rng.integers(4) == 0:
            break
        node = node[key]
    node[key] = NASTY[rng.integers(len(NASTY))]
    return json.dumps(root)


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
