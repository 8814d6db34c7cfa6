"""What an operation and a mistake are.

An `Operation` is a right pair of functions with arguments to check it at. A mistake in it is a wrong backward pass,
written under the code that it deserves; its docstring says why:

    @mistake("factor-batch", dense)
    def averages_the_bias(dy, cache):
        "b is added to each of the N rows, and so its gradient is their sum."
        x, w = cache
        return dy @ w.T, x.T @ dy, dy.mean(axis=0)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from minicnn import gradcheck

KERNEL, IMAGE = ("k", "kh", "kw"), ("h", "w", "t")  # names of sizes


def other_size(name, size, change):
    """Images grow and all else shrinks, but kernels stay, lest they stick out of the image."""
    if name in KERNEL:
        return size
    return size + change if name in IMAGE else max(1, size - change)


def as_it_is(backward):
    """A backward pass for the same layout."""
    return backward


@dataclass(frozen=True)
class Operation:
    """A right pair of functions, and arguments to check it at.

    Attributes
    ----------
    name : str
    forward, backward : function
    draw : function (rng, **sizes) -> tuple
        Random arguments.
    sizes : dict of str to int
        All different where they can be, so that no axis is mistaken for another. Larger ones must do as well.
    adapt : function (backward) -> backward
        From the plain layout, in which mistakes are written, to this operation's own.
    """

    name: str
    forward: Callable
    backward: Callable
    draw: Callable
    sizes: dict
    adapt: Callable = as_it_is

    def __str__(self):
        return self.name

    def arguments(self, seed=0):
        """The arguments that mistakes are looked for at."""
        return self.draw(np.random.default_rng(seed), **self.sizes)

    def random_arguments(self, seed, scale=1.0):
        """Other arguments, of other sizes; the first is scaled."""
        rng = np.random.default_rng(seed)
        sizes = {name: other_size(name, size, rng.integers(0, 2)) for name, size in self.sizes.items()}
        first, *others = self.draw(rng, **sizes)
        return first * scale, *others

    def check(self, backward=None, forward=None, seed=0):
        """A report on the right pair, or on another forward or backward pass in its place."""
        return gradcheck.check(
            forward or self.forward,
            self.adapt(backward) if backward else self.backward,
            self.arguments(seed),
            title=self.name,
        )


@dataclass(frozen=True)
class Mistake:
    """One wrong function of one operation.

    Attributes
    ----------
    name, why : str
    codes : tuple of str
        The first is the one it deserves; others are as true, which is rare and said beside the mistake.
    check : function () -> Report
    """

    name: str
    why: str
    codes: tuple
    check: Callable

    def __str__(self):
        return self.name


MISTAKES = []


def mistake(code, *operations, also=(), which="backward"):
    """Put the function below into the catalogue, as a wrong pass of each of the operations."""

    def plant(function):
        what = function.__name__.replace("_", " ")
        for operation in operations:
            check = partial(operation.check, **{which: function})
            MISTAKES.append(Mistake(f"{operation}: {what}", function.__doc__, (code, *also), check))
        return function

    return plant
