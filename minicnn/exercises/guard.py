"""What code may not do while it is checked: read from the keyboard, end the process, start others, use the network.

While it is graded, it may not write files outside one folder either. This guards against accidents, and says in words
what happened; it is no wall against somebody who means harm. The audit hooks below are Python's own and cannot be taken
off, but code that calls C directly, by ctypes, walks around them (`confine.py` asks the system itself, where it can).
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

REFUSED = {
    "subprocess.Popen": "start other programs",
    "os.system": "start other programs",
    "os.exec": "start other programs",
    "os.spawn": "start other programs",
    "os.posix_spawn": "start other programs",
    "os.startfile": "start other programs",
    "os.fork": "start other processes",
    "os.forkpty": "start other processes",
    "pty.spawn": "start other programs",
    "_winapi.CreateProcess": "start other programs",
    "os.kill": "send signals",
    "os.killpg": "send signals",
    "socket.connect": "use the network",
    "socket.bind": "use the network",
    "socket.sendto": "use the network",
    "socket.sendmsg": "use the network",
    "socket.getaddrinfo": "use the network",
    "socket.gethostbyname": "use the network",
}  # by the names of Python's audit events

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGED = {
    "os.remove": ((0,), (1,)),
    "os.rmdir": ((0,), (1,)),
    "os.mkdir": ((0,), (2,)),
    "os.rename": ((0, 1), (2, 3)),
    "os.link": ((0, 1), (2, 3)),
    "os.symlink": ((1,), (2,)),
    "os.truncate": ((0,), ()),
    "os.chmod": ((0,), (2,)),
    "os.chown": ((0,), (3,)),
    "os.utime": ((0,), (3,)),
    "os.setxattr": ((0,), ()),
    "os.removexattr": ((0,), ()),
    "os.chflags": ((0,), ()),
    "sqlite3.connect": ((0,), ()),
}  # where an event's arguments hold the paths that it changes, and the open folders that these start from


class RefusedError(PermissionError):
    """The code tried what no exercise needs."""


class NoKeyboard(io.TextIOBase):
    """Standard input where nobody types."""

    def readable(self) -> bool:
        """It is; every attempt raises."""
        return True

    def readline(self, size: int = -1) -> str:
        """Say why there is nothing to read."""
        raise RefusedError("nobody can type while the checker runs: leave out input() and sys.stdin.")

    def read(self, size: int = -1) -> str:
        """Say why there is nothing to read."""
        return self.readline()


def put_up() -> Callable[[int], NoReturn]:
    """Guard this process from now on.

    Returns
    -------
    end : callable
        Ends the process with a status, for the checker itself: `os._exit` raises an error from now on.
    """
    sys.stdin = NoKeyboard()
    sys.addaudithook(_refuse)
    end, os._exit = os._exit, sys.exit
    return end


def _refuse(event: str, arguments: tuple) -> None:
    if event in REFUSED:
        raise RefusedError(f"an exercise may not {REFUSED[event]} while it is checked.")


def write_only_in(folder: Path) -> None:
    """Refuse, from now on, to change a file outside a folder."""
    inside = os.path.normcase(os.path.realpath(folder)) + os.sep

    def refuse(event: str, arguments: tuple) -> None:
        for path in _changed(event, arguments):
            if not os.path.normcase(os.path.realpath(path)).startswith(inside):
                raise RefusedError(f"an exercise may not write outside its folder while it is graded: {path}")

    sys.addaudithook(refuse)


def _changed(event: str, arguments: tuple) -> list[str]:
    """The paths that an event is going to change; what is open already has no path."""
    if event == "open":
        path, mode, flags = arguments
        paths: list[Any] = [path] if (flags or 0) & WRITING or set(mode or "") & set("wax+") else []
    elif event in CHANGED:
        places, starts = CHANGED[event]
        if any(arguments[k] != -1 for k in starts):
            raise RefusedError("an exercise may not use dir_fd while it is graded.")
        paths = [arguments[k] for k in places]
    else:
        return []
    return [os.fsdecode(path) for path in paths if not isinstance(path, int) and os.fsdecode(path) != os.devnull]
