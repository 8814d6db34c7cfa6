"""The grammar of `minicnn gradcheck --input NAME=VALUE`: arrays and numbers, described in a few words.

    value    = literal | array | number * array | value + number | seed(n)
    array    = normal(shape) | uniform(low, high, shape) | integers(low, high, shape) | zeros(shape) | ones(shape)
    shape    = whole numbers, or one tuple of them
    literal  = a number, a text in quotes, True, False, None, a list of numbers or of such lists

The text is taken apart by Python's own parser, and only the forms above are given a meaning: nothing is run.
"""

from __future__ import annotations

import ast
import operator
import zlib
from collections.abc import Callable

import numpy as np

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
FORMS = "normal(4, 5), uniform(-1, 1, 4, 5), integers(0, 10, 4), zeros(5), ones(5), seed(0), 0.5, [0, 2, 1]"
MOST_ENTRIES = 10**8


class InputError(ValueError):
    """An input that cannot be read; the message says why, and what can."""


def read_input(text: str, seed: int = 0) -> tuple[str, object]:
    """Read NAME=VALUE.

    Parameters
    ----------
    text : str
        Such as "x=normal(4, 5)".
    seed : int
        Of random arrays. Each name has a stream of its own: to add an input leaves the others as they were.

    Returns
    -------
    name : str
    value : array, number, str, bool, None or numpy.random.Generator

    Raises
    ------
    InputError
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier():
        raise InputError(f'an input is given as NAME=VALUE, such as "x=normal(4, 5)"; got {text!r}.')
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return name, _Reader(text, rng).value(_parsed(value, text))


def read_hints(text: str) -> dict[str, object]:
    """Read an operation with its options, such as "conv2d" or "conv2d(stride=2, padding=1)".

    Raises
    ------
    InputError
    """
    tree = _parsed(text, text)
    if isinstance(tree, ast.Name):
        return {"operation": tree.id}
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
        reader = _Reader(text, np.random.default_rng(0))
        return {"operation": tree.func.id, **{keyword.arg: reader.literal(keyword.value) for keyword in tree.keywords}}
    raise InputError(f'hints name an operation, such as "conv2d" or "conv2d(stride=2, padding=1)"; got {text!r}.')


def _parsed(value: str, text: str) -> ast.expr:
    try:
        return ast.parse(value, mode="eval").body
    except (SyntaxError, ValueError) as error:  # ValueError: null bytes
        raise InputError(f"{text!r} cannot be read. Values are {FORMS}.") from error


class _Reader:
    """Gives a meaning to each form of the grammar."""

    def __init__(self, text: str, rng: np.random.Generator):
        self.text, self.rng = text, rng
        self.arrays: dict[str, tuple[Callable[..., np.ndarray], int]] = {  # and how many numbers stand before the shape
            "normal": (lambda shape: rng.standard_normal(shape), 0),
            "uniform": (lambda low, high, shape: rng.uniform(low, high, shape), 2),
            "integers": (lambda low, high, shape: rng.integers(low, high, shape), 2),
            "zeros": (np.zeros, 0),
            "ones": (np.ones, 0),
        }

    def value(self, tree: ast.expr) -> object:
        """The value of any form."""
        if isinstance(tree, ast.Call):
            return self.call(tree)
        if isinstance(tree, ast.BinOp) and type(tree.op) in OPERATORS:
            left, right = self.value(tree.left), self.value(tree.right)
            if all(isinstance(side, (int, float, np.ndarray)) for side in (left, right)):
                return OPERATORS[type(tree.op)](left, right)
        return self.literal(tree)

    def literal(self, tree: ast.expr) -> object:
        """A constant, or a list of numbers as an array."""
        try:
            value = ast.literal_eval(tree)
        except (ValueError, TypeError, SyntaxError) as error:
            raise self.error("is no value") from error
        if not isinstance(value, list):
            return value
        try:
            array = np.array(value)
        except ValueError as error:
            raise self.error("has rows of different lengths") from error
        if array.dtype.kind not in "fiub":
            raise self.error("is a list of something else than numbers")
        return array

    def call(self, tree: ast.Call) -> object:
        """An array or a generator by its name."""
        name = tree.func.id if isinstance(tree.func, ast.Name) else "?"
        numbers = [self.literal(argument) for argument in tree.args]
        if tree.keywords or not (name in self.arrays or name == "seed"):
            raise self.error("is no value")
        if name == "seed":
            if len(numbers) != 1 or not isinstance(numbers[0], int) or numbers[0] < 0:
                raise self.error("takes one whole number: seed(0)")
            return np.random.default_rng(numbers[0])
        make, before = self.arrays[name]
        bounds, shape = numbers[:before], tuple(numbers[before:])
        if len(shape) == 1 and isinstance(shape[0], tuple):
            shape = shape[0]
        if len(bounds) < before or not shape or not all(type(n) is int and n > 0 for n in shape):
            raise self.error(f"needs {'low, high and ' * bool(before)}a shape of whole numbers above 0")
        if np.prod(shape, dtype=float) > MOST_ENTRIES:
            raise self.error("is too large to check")
        try:
            return make(*bounds, shape)
        except (ValueError, TypeError) as error:
            raise self.error(f"cannot be made: {error}") from error

    def error(self, problem: str) -> InputError:
        """An error about the whole input."""
        return InputError(f"{self.text!r} {problem}. Values are {FORMS}.")
