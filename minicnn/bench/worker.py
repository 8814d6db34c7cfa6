"""A process of its own for every contestant, which waits while the others have their turn.

In one process the contestants change each other, perhaps by the allocator, whose thresholds move with what the others
allocate and free (PyTorch's step for the small network took 11 % less time beside minicnn than alone, 10.0 against
11.3 ms), idle threads of one pool spin while another computes, and tcmalloc can be preloaded only for a whole process.
With a process each, every contestant runs as it would for its user; the turns are still interleaved, so that noise from
outside hits all alike.

Requests and answers are lines of JSON over the process's standard input and output:

    {"call": "prepare", "arguments": [...]}     ->     {"result": ...}  or  {"error": "..."}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TextIO

from . import memory
from .networks import NETWORKS
from .peers import PEERS


class WorkerError(RuntimeError):
    """The contestant could not do what was asked; the message is the error in its process."""


class Worker:
    """The parent's side: a contestant in another process.

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    threads : int
        For the whole life of the process: not every library can change it later.
    variables : dict of str to str, optional
        More environment variables for the process.
    """

    def __init__(self, peer: str, threads: int, variables: dict[str, str] | None = None):
        self.peer, self.threads, self.complaints = peer, threads, tempfile.TemporaryFile("w+")  # noqa: SIM115  closed in close()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "minicnn.bench.worker", peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
            env=os.environ | PEERS[peer].environment(threads) | (variables or {}),
            text=True,
        )

    def prepare(self, network: str, batch: int, side: int | None = None) -> int:
        """Build a network, with images of another side if given; return the number of its trainable parameters."""
        return self._ask("prepare", network, side, batch, self.threads)

    def steps(self, count: int) -> list[float]:
        """Seconds of each of `count` training steps."""
        return self._ask("steps", count)

    def predictions(self, count: int) -> list[float]:
        """Seconds of each of `count` predictions of a batch."""
        return self._ask("predictions", count)

    def switch_off(self, technique: str) -> None:
        """Do without one of minicnn's `TECHNIQUES` from now on."""
        self._ask("switch_off", technique)

    def peak_memory(self) -> int:
        """Most bytes of memory that the process has held so far."""
        return self._ask("peak_memory")

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):  # it has ended already
            self.process.stdin.close()
        self.process.stdout.close()
        self.complaints.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def _ask(self, call: str, *arguments: object) -> object:
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"call": call, "arguments": arguments}) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"its process ended. {self._last_words()}"}
        if "error" in answer:
            raise WorkerError(f"{self.peer}: {answer['error']}")
        return answer["result"]

    def _last_words(self) -> str:
        self.complaints.seek(0)
        return "".join(self.complaints.readlines()[-1:]).strip()


def serve(peer_name: str, requests: TextIO, answers: TextIO) -> None:
    """The child's side: do what each line asks, until the requests end."""
    peer = PEERS[peer_name]()
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"result": _do(peer, request["call"], request["arguments"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def _do(peer: object, call: str, arguments: list) -> object:
    match call:
        case "prepare":
            name, side, batch, threads = arguments
            network = NETWORKS[name](side) if side else NETWORKS[name]()
            return peer.prepare(network, batch, threads)
        case "peak_memory":
            return memory.peak()
        case "switch_off":
            from .techniques import switch_off

            return switch_off(*arguments)
        case _:
            return getattr(peer, call)(*arguments)


def main() -> None:
    """Serve on standard input and output; what a library prints goes to standard error instead."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    main()
