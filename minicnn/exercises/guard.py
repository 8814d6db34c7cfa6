"""What code may not do while it is checked: read from the keyboard, end the process, start others, use the network.

This guards against accidents, and says in words what happened; it is no wall against somebody who means harm. The
audit hook below is Python's own and cannot be taken off, but code that calls C directly, by ctypes, walks around it.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import NoReturn

REFUSED = {
    "subprocess.Popen": "start other programs",
    "os.system": "start other programs",
    "os.exec": "start other programs",
    "os.spawn": "start other programs",
    "os.posix_spawn": "start other programs",
    "os.startfile": "start other programs",
    "os.fork": "start other processes",
    "os.forkpty": "start other processes",
    "os.kill": "send signals",
    "os.killpg": "send signals",
    "socket.connect": "use the network",
    "socket.bind": "use the network",
    "socket.sendto": "use the network",
    "socket.getaddrinfo": "use the network",
}  # by the names of Python's audit events


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
