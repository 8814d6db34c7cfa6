"""What the system itself refuses a process for good: writing outside one folder, starting programs, the network.

    Landlock (Linux 5.13 and later)    files are written in one folder only, no program is started,
                                       and (Linux 6.12) no signal reaches a process outside
    a network namespace (Linux)        a network of its own, in which there is nobody

The kernel holds the calling thread, and all threads and processes that it starts later, to this, whatever code runs
there, C too; nobody can take it off. Other systems offer no such thing to a program without special rights: there
`guard.py`, which knows Python's own doors only, is all there is.

Source: linux/landlock.h and the manual pages landlock(7) and unshare(2).
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every architecture
ASK_VERSION, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
EXECUTE, WRITE_FILE, MOVE, TRUNCATE = 1 << 0, 1 << 1, 1 << 13, 1 << 14
MAKE_OR_REMOVE = sum(1 << bit for bit in range(4, 13))
NO_ABSTRACT_SOCKETS, NO_SIGNALS = 1, 2


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Rule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32)]


def landlock() -> int:
    """The version of Landlock; 0 where there is none. From 3 on it knows truncation, from 6 on signals."""
    if sys.platform != "linux":
        return 0
    return max(0, ctypes.CDLL(None).syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))


def writing(folder: Path) -> bool:
    """Let this thread, and what it starts, write in one folder only, and start no program; files that are open stay so.

    Parameters
    ----------
    folder : Path
        Everything in it may be changed.

    Returns
    -------
    bool
        Whether the system does this.
    """
    version = landlock()
    if version < 1:
        return False
    call = ctypes.CDLL(None).syscall
    writes = WRITE_FILE | MAKE_OR_REMOVE | (MOVE if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    scoped = NO_ABSTRACT_SOCKETS | NO_SIGNALS if version >= 6 else 0
    ruleset = _Ruleset(writes | EXECUTE, 0, scoped)
    known = ctypes.sizeof(ruleset) if version >= 6 else 8  # older kernels know the first number only
    rules = call(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(known), 0)
    if rules < 0:
        return False
    try:
        return (
            _allow(call, rules, folder, writes)
            and _allow(call, rules, Path(os.devnull), WRITE_FILE)
            and ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))) == 0
            and call(RESTRICT_SELF, rules, 0) == 0
        )
    finally:
        os.close(rules)


def _allow(call: ctypes._CFuncPtr, rules: int, path: Path, allowed: int) -> bool:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        return call(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(_Rule(allowed, opened)), 0) == 0
    finally:
        os.close(opened)


def network() -> bool:
    """Put this thread, and what it starts, into a network in which there is nobody.

    Returns
    -------
    bool
        Whether the system does this: some distributions and containers do not allow it.
    """
    if sys.platform != "linux":
        return False
    unshare = ctypes.CDLL(None).unshare
    if unshare(NEW_NETWORK) == 0:  # with special rights
        return True
    user, group = os.geteuid(), os.getegid()
    if unshare(NEW_USER | NEW_NETWORK) != 0:  # where it is allowed to everybody
        return False
    for file, text in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{group} {group} 1")):
        with suppress(OSError):  # who nobody is known as: only needed to make files
            Path("/proc/self", file).write_text(text)
    return True


def possible() -> dict[str, bool]:
    """What this system does, tried in a process of its own: "writing" and "network"."""
    code = (
        "import json, pathlib, sys; from minicnn.exercises import confine; "
        "print(json.dumps({'network': confine.network(), 'writing': confine.writing(pathlib.Path(sys.argv[1]))}))"
    )
    with tempfile.TemporaryDirectory(prefix="minicnn-") as folder:
        command = [sys.executable, "-c", code, folder]
        tried = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    return json.loads(tried.stdout) if tried.returncode == 0 else {"network": False, "writing": False}
