"""The two functions under test, as the checker calls them.

    forward(*arguments) -> (y, cache)           y: an array, a number, or a tuple of them
    backward(dy, cache) -> gradients            dy: like y

Which arguments are differentiated: **every array of floats**. Everything else is a constant: integer and boolean arrays
(labels), strings, None, generators, and numbers such as a dropout rate. The gradients may come as one for each array of
floats, or one for each argument with None for a constant. In the second form a gradient that stands at the place of a
Python float is checked too, and None at the place of an array of floats leaves it out. A bare gradient instead of a
tuple will do for one array, and for a loss (y is one number), where it belongs to the first array: targets are
constants.

The checker works on private copies in float64. Generators are wound back before each forward pass, so that a random
mask is the same in all of them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence

import numpy as np

Gradients = dict[int, np.ndarray]


class Call:
    """One forward pass: what went in, what came out.

    Attributes
    ----------
    handed : list
        The arguments as forward received them.
    outputs : list of array
        Copies of y's parts in float64.
    dtypes : list of dtype
        Theirs before the copy.
    cache
        For backward.
    """

    def __init__(self, handed: list, y: object, cache: object):
        parts = y if isinstance(y, (tuple, list)) else (y,)
        self.handed, self.cache = handed, cache
        self.is_tuple, self.is_number = isinstance(y, (tuple, list)), [not isinstance(p, np.ndarray) for p in parts]
        self.outputs = [_as_floats(part, f"output {k}" if len(parts) > 1 else "y") for k, part in enumerate(parts)]
        self.dtypes = [np.asarray(part).dtype for part in parts]

    @property
    def is_loss(self) -> bool:
        """Whether y is one number."""
        return not self.is_tuple and self.outputs[0].ndim == 0


class Pair:
    """A forward and a backward function with private arguments.

    Attributes
    ----------
    arguments : list
        Arrays of floats as float64; Python floats as arrays without axes; other arrays copied.
    names : list of str
    floats : list of int
        Positions of the arrays of floats.
    copies : bool
        Whether `outputs` hands out copies: needed when forward writes into its arguments.
    forward_calls : int
    """

    def __init__(
        self,
        forward: Callable,
        backward: Callable,
        arguments: Sequence | np.ndarray,
        names: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ):
        arguments = [arguments] if isinstance(arguments, np.ndarray) else _as_list(arguments)
        self._forward, self._backward, self._given = forward, backward, arguments
        self.names = _argument_names(forward, len(arguments), names)
        self.arguments = [_private(a) for a in arguments]
        self.floats = [i for i, a in enumerate(arguments) if _is_float_array(a)]
        self._check_arguments()
        generators = [a for a in (*self.arguments, rng) if isinstance(a, np.random.Generator)]
        self._generators = [(g.bit_generator, g.bit_generator.state) for g in generators]
        self.copies = False
        self.forward_calls = 0

    @property
    def title(self) -> str:
        """The functions' names."""
        return " and ".join(getattr(f, "__name__", type(f).__name__) for f in (self._forward, self._backward))

    def forward(self, arguments: list | None = None, copies: bool = True) -> Call:
        """Run the forward pass, with generators as they were at first.

        Raises
        ------
        TypeError
            If forward does not return (y, cache), or y is not made of floats.
        """
        arguments = self.arguments if arguments is None else arguments
        handed = [self._hand_out(i, a, copies) for i, a in enumerate(arguments)]
        self.forward_calls += 1
        try:
            with np.errstate(all="ignore"):  # what is not finite is reported, not warned of
                result = self._forward(*handed)
        finally:
            for bit_generator, state in self._generators:
                bit_generator.state = state
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"forward must return the pair (y, cache), got {_describe(result)}. "
                "Return what backward needs beside y; if it needs nothing: return y, None."
            )
        return Call(handed, *result)

    def at(self, arguments: Sequence) -> Pair:
        """The same two functions at another point; private copies again, and calls of their own count."""
        other = copy.copy(self)
        other.arguments = [_private(a) for a in arguments]
        other.forward_calls = 0
        return other

    def outputs(self) -> list[np.ndarray]:
        """Outputs for the present content of `arguments`."""
        return self.forward(copies=self.copies).outputs

    def backward(self, dy: list[np.ndarray], call: Call) -> Gradients:
        """Run the backward pass and copy its gradients, by the argument's position.

        Raises
        ------
        ValueError, TypeError
            If the number of gradients fits neither the arrays nor the arguments, or one is not made of numbers.
        """
        if not callable(self._backward):
            raise TypeError(f"check takes a function as backward, got {self._backward!r:.80}.")
        parts = [float(d) if number else d for d, number in zip(dy, call.is_number, strict=True)]
        with np.errstate(all="ignore"):
            result = self._backward(tuple(parts) if call.is_tuple else parts[0], call.cache)
        return {i: _as_gradient(g, self.names[i]) for i, g in self._assign(result, call.is_loss).items()}

    def modified(self, handed: list) -> list[str]:
        """Names of the arrays whose content is no longer what was handed out."""
        return [
            name
            for name, mine, theirs in zip(self.names, self.arguments, handed, strict=True)
            if isinstance(theirs, np.ndarray) and not np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
        ]

    def _hand_out(self, i: int, argument: object, copies: bool) -> object:
        if i not in self.floats and isinstance(self._given[i], float):
            number = float(argument)
            return np.float64(number) if isinstance(self._given[i], np.floating) else number
        return argument.copy() if copies and isinstance(argument, np.ndarray) else argument

    def _assign(self, result: object, is_loss: bool) -> dict[int, object]:
        """Say which argument each gradient belongs to."""
        bare = not isinstance(result, (tuple, list))
        given = [result] if bare else list(result)
        every = list(range(len(self.arguments)))
        arrays = [i for i in every if isinstance(self._given[i], np.ndarray)]
        if bare and is_loss and result is not None and self.floats:
            return {self.floats[0]: result}
        while len(given) > len(every) and given[-1] is None:  # for an argument that was left to its default
            given.pop()
        for owners in (every, self.floats, arrays):
            if len(owners) == len(given):
                owned = dict(zip(owners, given, strict=True))
                return {i: g for i, g in owned.items() if g is not None and self._is_differentiable(i)}
        wanted = f"{len(self.floats)} (one for each array of floats: {', '.join(self.names[i] for i in self.floats)})"
        if len(every) != len(self.floats):
            wanted += f" or {len(every)} (one for each argument, None for a constant: {', '.join(self.names)})"
        returned = f"{len(given)} gradient{'s' * (len(given) != 1)}"
        if result is None:
            returned = "None (is its return missing?)"
        elif isinstance(result, dict):
            returned = f"a dict with {', '.join(map(repr, result))}"
        raise ValueError(
            f"backward returned {returned}, expected {wanted}. "
            "Return them as a tuple in the order of forward's arguments."
        )

    def _is_differentiable(self, i: int) -> bool:
        return i in self.floats or isinstance(self._given[i], float)

    def _check_arguments(self) -> None:
        if not any(self._is_differentiable(i) for i in range(len(self.arguments))):
            kinds = ", ".join(f"{n}: {_describe(a)}" for n, a in zip(self.names, self._given, strict=True))
            raise TypeError(
                f"There is nothing to differentiate: no argument is an array of floats ({kinds or 'there are none'}). "
                "Give arguments as a tuple of arrays, e.g. (x.astype(float), w)."
            )
        for i, a in enumerate(self.arguments):
            if self._is_differentiable(i) and not np.isfinite(a).all():
                raise ValueError(
                    f"{self.names[i]} holds {np.count_nonzero(~np.isfinite(a))} NaN or infinite value(s); "
                    "a derivative needs a point where everything is finite. Check how the array was made."
                )


def _as_list(arguments: object) -> list:
    if not isinstance(arguments, (tuple, list)):
        raise TypeError(f"arguments takes a tuple, as in check(forward, backward, (x, w)), got {_describe(arguments)}.")
    return list(arguments)


def _argument_names(forward: Callable, count: int, names: Sequence[str] | None) -> list[str]:
    """The names given, or those of the forward function's signature."""
    if names is not None:
        if isinstance(names, str) or len(names) != count or len(set(names)) != count:
            raise ValueError(f"names takes one name for each of the {count} arguments, all different, got {names!r}.")
        return list(names)
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):  # some functions written in C have none
        parameters = ()
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return positional + [f"argument {i}" for i in range(len(positional), count)]


def _is_float_array(a: object) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _private(a: object) -> object:
    if _is_float_array(a) or isinstance(a, float):
        return np.array(a, dtype=np.float64, order="C")
    return a.copy() if isinstance(a, np.ndarray) else a


def _as_floats(part: object, name: str) -> np.ndarray:
    array = np.asarray(part)
    if array.dtype.kind != "f":
        raise TypeError(
            f"{name} must be an array of floats or a float, got {_describe(part)}. Only floats have a derivative; "
            "put what is not to be differentiated into the cache."
        )
    return np.array(array, dtype=np.float64, order="C")


def _as_gradient(gradient: object, name: str) -> np.ndarray:
    array = np.array(gradient)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"The gradient of {name} must be an array of numbers, got {_describe(gradient)}.")
    return array


def _describe(value: object) -> str:
    """A few words for a message."""
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"{type(value).__name__} {value!r}"[:60]
