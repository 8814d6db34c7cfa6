"""What to measure, and how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from . import HOME
from .clock import Effort
from .networks import NETWORKS
from .peers import PEERS


@dataclass(frozen=True)
class Settings:
    """One benchmark.

    Attributes
    ----------
    parts : list of str
        Some of `HOME`.
    peers : list of str
        Those of the peers asked for that are installed.
    networks : list of str
    batches, threads : list of int
    sides : list of int
        Image sides of the growth part, in pixels.
    growing_batches : list of int
        Batch sizes of the growth part.
    effort : Effort
    """

    parts: list[str]
    peers: list[str]
    networks: list[str]
    batches: list[int]
    threads: list[int]
    sides: list[int] = field(default_factory=lambda: [16, 32, 64, 128])
    growing_batches: list[int] = field(default_factory=lambda: [4**k for k in range(5)] + [512])
    effort: Effort = field(default_factory=Effort)

    @property
    def middle_batch(self) -> int:
        """The batch size for parts that look at one only."""
        return sorted(self.batches)[len(self.batches) // 2]

    def to_dict(self) -> dict:
        """The same as a dictionary, for JSON."""
        return asdict(self)


def chosen(option: str, names: str, known: Sequence[str]) -> list[str]:
    """The names in a list with commas, in the order of the known ones.

    Raises
    ------
    ValueError
        If one is not known, or there is none.
    """
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    if not wanted or set(wanted) - set(known):
        raise ValueError(f"{option} takes some of {', '.join(known)}, separated by commas, got {names!r}.")
    return [name for name in known if name in wanted]


def counts(option: str, numbers: str, **words: int) -> list[int]:
    """The whole numbers in a list with commas, some of which may be given as words, without repetition.

    Raises
    ------
    ValueError
        If one is not a whole number of at least 1.
    """
    found = []
    for text in numbers.split(","):
        if text.strip() not in words and (not text.strip().isdecimal() or int(text) < 1):
            also = f" or {', '.join(words)}" if words else ""
            raise ValueError(f"{option} takes whole numbers of at least 1{also}, separated by commas, got {numbers!r}.")
        found.append(words[text.strip()] if text.strip() in words else int(text))
    return list(dict.fromkeys(found))


def settings(
    parts: str | None = None,
    peers: str | None = None,
    networks: str | None = None,
    batches: str | None = None,
    threads: str | None = None,
    rounds: int | None = None,
    quick: bool = False,
) -> Settings:
    """Read the command's options.

    Parameters
    ----------
    parts, peers, networks, batches, threads : str, optional
        Lists with commas; by default everything, or for `quick` what takes less than a minute.
    rounds : int, optional
    quick : bool

    Returns
    -------
    settings : Settings
        The peers are the installed ones of those named.

    Raises
    ------
    ValueError
        If a name or a number cannot be used.
    """
    from ..kernels.parallel import default_threads

    every_peer = ",".join(PEERS)
    if quick:
        parts, peers = parts or "networks", peers or every_peer.replace(",keras", "")
        networks, batches, threads = networks or "digit", batches or "20", threads or "all"
    named = chosen("--peers", peers or every_peer, list(PEERS))
    return Settings(
        parts=chosen("--parts", parts or ",".join(HOME), list(HOME)),
        peers=[name for name in named if PEERS[name].available()],
        networks=chosen("--network", networks or ",".join(NETWORKS), list(NETWORKS)),
        batches=counts("--batches", batches or "20,64,128"),
        threads=counts("--threads", threads or "1,all", all=default_threads()),
        effort=Effort(rounds=rounds or (3 if quick else 7), turn=0.1 if quick else 0.3),
    )
