"""Batches: which examples come when, and how they come from where they are into memory.

Examples may be an array, a `numpy.memmap` of a file larger than the memory, or any object that knows its length and its
slices, `len(x)` and `x[a:b]`. Of the last two, a batch at a time is in memory, and the next ones are read in the
background while the model computes. That changes no number: the order is drawn before anything is read.

An array is shuffled by index: each order of its N examples is as likely as any other. Of an object that knows only
slices, single examples cannot be had cheaply:

    cut it into blocks of one batch, and put the blocks in random order;
    shuffle the examples within each window of 16 blocks.                                           (1)

A window, 16 batches, is in memory while its batches are made. Neighbours in the data come in the same window, though
seldom in the same batch: data that are sorted by class should be shuffled once when they are written.
"""

from __future__ import annotations

import mmap
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np

WINDOW = 16  # blocks that are shuffled together, (1)
AHEAD = 2  # batches that wait in memory while the model computes on another

Item = TypeVar("Item")


class Examples(Protocol):
    """What training reads: an array of shape (N, ...), or anything that gives such arrays for slices.

    An object that can be indexed by an array of indices too, as arrays can, says so with `takes_indices = True`. One
    that reads from a `numpy.memmap` may name it as its `base`: what was read does not stay in memory then.
    """

    def __len__(self) -> int:
        """Number N of examples."""

    def __getitem__(self, part: slice) -> np.ndarray:
        """Examples of a slice, a float array of shape (length, ...)."""


Augment = Callable[..., np.ndarray]  # (images, *, epoch, batch) -> images


def peek(x: Examples, owner: str) -> Any:
    """Return x if it is an array, else its first example as a batch of one: it shows dtype and shape.

    Parameters
    ----------
    x : Examples
    owner : str
        Who asks, for the message.

    Raises
    ------
    TypeError
        If x has no length or no slices.
    """
    if isinstance(x, np.ndarray):
        return x
    wanted = f"{owner} takes examples as an array, or as an object with len(x) and x[a:b]"
    try:
        len(x)
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}; got {x!r:.80}, which has no length.") from None
    try:
        return x[:1]
    except Exception as error:  # whatever an object of the user's own raises
        raise TypeError(f"{wanted}; the slice x[:1] of this {type(x).__name__} fails: {error}.") from error


def checked_pair(data: Any, owner: str, name: str) -> tuple[Any, Any]:
    """Return examples and labels, if `data` is a pair of them; else raise TypeError."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        given = f"an array of shape {data.shape}" if isinstance(data, np.ndarray) else f"{data!r:.80}"
        raise TypeError(f"{owner} takes a pair (examples, labels) as {name}, such as dataset.train, got {given}.")
    return data[0], data[1]


def all_labels(labels: Any, owner: str) -> np.ndarray:
    """Return all labels in one array: beside the examples they are small.

    Parameters
    ----------
    labels : array, list, or object with `len(labels)` and `labels[a:b]`
    owner : str
        Who asks, for the message.

    Raises
    ------
    TypeError
        If they are none of these.
    """
    if hasattr(labels, "__len__") and not (isinstance(labels, list | tuple) or hasattr(labels, "__array__")):
        try:
            labels = labels[: len(labels)]
        except Exception as error:  # whatever an object of the user's own raises
            raise TypeError(f"{owner} takes labels as an array or a list, got {labels!r:.80}.") from error
    array = np.asarray(labels)
    if array.ndim == 0:
        raise TypeError(f"{owner} takes labels as an array or a list, got {labels!r:.80}.")
    return array


def takes_indices(x: Examples) -> bool:
    """Whether x can be indexed by an array of indices, as arrays can."""
    return isinstance(x, np.ndarray) or getattr(x, "takes_indices", False)


def draw_order(x: Examples, batch_size: int, rng: np.random.Generator) -> np.ndarray:
    """Shuffle for one epoch: by index where x can be indexed, else by blocks and windows, rule (1).

    Parameters
    ----------
    x : Examples
    batch_size : int
    rng : numpy.random.Generator

    Returns
    -------
    order : integer array, shape (N,)
        Indices of the examples as they come.
    """
    if takes_indices(x):
        return rng.permutation(len(x))
    blocks = rng.permutation(len(x) // batch_size)
    whole = blocks[:, np.newaxis] * batch_size + np.arange(batch_size)
    order = np.append(whole, np.arange(whole.size, len(x)))  # a last block that is not whole comes last
    for start in range(0, len(x), WINDOW * batch_size):
        rng.shuffle(order[start : start + WINDOW * batch_size])
    return order


@contextmanager
def epoch_batches(
    x: Examples,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    *,
    augment: Augment | None = None,
    epoch: int = 0,
    first: int = 0,
) -> Iterator[Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Open the batches of one epoch; leaving the block stops reading.

    Parameters
    ----------
    x : Examples
    labels : array, shape (N, ...)
    order : integer array
        As `draw_order` gives it, or in the order of the data.
    batch_size : int
        The last batch holds what is left.
    augment : function (images, *, epoch, batch) -> images, optional
        Applied to the images of each batch, in the background.
    epoch : int
        Its number, for `augment`.
    first : int
        Number of the batch to begin with.

    Yields
    ------
    batches : iterator of (array, array)
    """
    take = x.__getitem__ if takes_indices(x) else _take_from_blocks(x, batch_size)
    pages = _pages(x)

    def make(k: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = order[k * batch_size : (k + 1) * batch_size]
        images = take(chosen)
        _let_go(pages)
        if augment is not None:
            images = augment(images, epoch=epoch, batch=k)
        return images, labels[chosen]

    numbers = range(first, -(-len(order) // batch_size))
    if in_memory(x) and augment is None:
        yield map(make, numbers)
    else:
        with prefetched(make, numbers) as batches:
            yield batches


@contextmanager
def slices(x: Examples, batch_size: int) -> Iterator[Iterator[np.ndarray]]:
    """Open the examples in their order, `batch_size` at a time; leaving the block stops reading.

    Parameters
    ----------
    x : Examples
    batch_size : int

    Yields
    ------
    parts : iterator of array
    """
    starts = range(0, len(x), batch_size)
    if in_memory(x):
        yield (x[start : start + batch_size] for start in starts)
        return
    pages = _pages(x)

    def make(start: int) -> np.ndarray:
        part = _slice(x, start, batch_size)
        if _memmap(part) is not None:
            part = np.array(part)  # read here, in the background
        _let_go(pages)
        return part

    with prefetched(make, starts) as parts:
        yield parts


@contextmanager
def prefetched(make: Callable[[int], Item], numbers: range) -> Iterator[Iterator[Item]]:
    """Open `map(make, numbers)`, computed in one background thread up to `AHEAD` items before they are asked for.

    An error in `make` is raised where its item is asked for. The thread ends with the block.

    Parameters
    ----------
    make : function of a number
    numbers : range

    Yields
    ------
    items : iterator of what `make` returns
    """
    upcoming = iter(numbers)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="minicnn-batches") as thread:
        waiting = deque(thread.submit(make, number) for number in islice(upcoming, AHEAD))

        def items() -> Iterator[Item]:
            while waiting:
                item = waiting.popleft().result()
                waiting.extend(thread.submit(make, number) for number in islice(upcoming, 1))
                yield item

        try:
            yield items()
        finally:
            thread.shutdown(wait=False, cancel_futures=True)


def _take_from_blocks(x: Examples, batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Make a function that gives the examples of an array of indices, and keeps one window of blocks."""

    @lru_cache(maxsize=WINDOW)
    def block(k: int) -> np.ndarray:
        return _slice(x, k * batch_size, batch_size)

    return lambda chosen: np.stack([block(i // batch_size)[i % batch_size] for i in chosen.tolist()])


def _slice(x: Examples, start: int, length: int) -> np.ndarray:
    """Read `length` examples, fewer at the end of x."""
    stop = min(start + length, len(x))
    part = x[start:stop]
    if len(part) != stop - start:
        raise ValueError(f"The slice [{start}:{stop}] of the examples holds {len(part)}, not {stop - start}.")
    return part


def in_memory(x: Examples) -> bool:
    """Whether x is an array that lies in memory, not in a file."""
    return isinstance(x, np.ndarray) and _memmap(x) is None


def _memmap(x: Any) -> np.memmap | None:
    """Look for the array in a file that x is, or that it shows a part of."""
    while x is not None and not isinstance(x, np.memmap):
        x = getattr(x, "base", None)
    return x


def _pages(x: Examples) -> mmap.mmap | None:
    """The map of the file that x shows, if what was read of it may be let go."""
    array = _memmap(x)
    if array is None or array.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
        return None  # "c", copy on write: what was written there is in memory only
    while isinstance(array, np.ndarray):
        array = array.base
    return array if isinstance(array, mmap.mmap) else None


def _let_go(pages: mmap.mmap | None) -> None:
    """Give back the memory of what was read of a file.

    The system would do so itself when memory runs short, but until then the process would seem to hold all that it has
    read. The file's content stays in the system's cache: reading it again is quick.
    """
    if pages is not None:
        pages.madvise(mmap.MADV_DONTNEED)
