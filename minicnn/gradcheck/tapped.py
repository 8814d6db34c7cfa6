"""A forward pass whose intermediate values can be seen and moved.

The derivative of the loss by an intermediate value v needs the rest of the forward pass from a v that was moved a
little. Two ways to write a forward pass that allows it:

**As steps**, a dictionary. Each step's name is the value it makes, each parameter the value it takes, and the last step
is the output:

    steps = {
        "mu": lambda x: x.mean(axis=0),
        "centred": lambda x, mu: x - mu,
        ...
        "y": lambda gamma, x_hat, beta: gamma * x_hat + beta,
    }

What a value passes to one step alone has a name too, `centred via var`: a value that is used twice has a gradient from
each use, and the sum of both.

**As a function with a tap.** `forward(*arguments, tap) -> (y, cache)` sends the values that matter through the tap and
goes on with what comes out:

    mu = tap("mu", x.mean(axis=0))
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Steps = Mapping[str, Callable]
VIA = " via "


class Tapped:
    """A forward pass with named values.

    Parameters
    ----------
    forward : dict of str to function, sequence of (str, function), or function (*arguments, tap) -> (y, cache)
    arguments : dict of str to value, or sequence
        Names are needed for steps; for a function they are those of its parameters.
    rng : numpy.random.Generator, optional
        Wound back after each run.

    Attributes
    ----------
    names : list of str
        Of the arguments.
    arguments : list
    output : str
        The last step's name, or "y".
    """

    def __init__(
        self,
        forward: Steps | Sequence | Callable,
        arguments: Mapping[str, object] | Sequence,
        rng: np.random.Generator | None = None,
    ):
        self.rng, self.state = rng, None if rng is None else rng.bit_generator.state
        self.steps = None if callable(forward) else _without_repetition(forward)
        self.output = list(self.steps)[-1] if self.steps else "y"
        if self.steps is None:
            self.names, self.arguments = _of_a_function(forward, arguments)
            self.forward = forward
        else:
            self.names, self.arguments = _of_steps(arguments)
            self.parameters = _parameters(self.steps, self.names)
            self.forward = self._run_steps

    def run(self, arguments: Sequence, moved: Mapping[str, object]) -> tuple[object, object, dict[str, object]]:
        """Run the forward pass.

        Parameters
        ----------
        arguments : sequence
        moved : dict of str to value
            Goes in the place of the values of these names.

        Returns
        -------
        y, cache
        values : dict of str to value
            What came to each tap, in order.
        """
        values = {}

        def tap(name: str, value: object) -> object:
            if name in values or name in self.names:
                raise ValueError(
                    f"tap({name!r}, ...) names a value for the second time. Give each its own name, "
                    f'such as f"{name}_{{t}}" in a loop over t.'
                )
            values[name] = value
            return moved.get(name, value)

        try:
            result = self.forward(*arguments, tap=tap)
        finally:
            if self.rng is not None:
                self.rng.bit_generator.state = self.state
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(f"forward must return the pair (y, cache), got {type(result).__name__}.")
        return *result, values

    def first_run(self) -> tuple[object, object, dict[str, object]]:
        """Run it with copies of the arguments as they were given, nothing moved."""
        return self.run(copy.deepcopy(self.arguments), {})

    def used_by(self, name: str, others: list[str], random: np.random.Generator) -> list[str]:
        """Which of the other values, and of the outputs, take this one (or argument) other than through one another.

        It is moved while the others are held where they were: what changes, uses it itself.
        """
        y, _, before = self.first_run()
        held = {other: before[other] for other in others if other in before and other != name}
        arguments = copy.deepcopy(self.arguments)
        if name in self.names:
            position = self.names.index(name)
            arguments[position] = _moved(arguments[position], random)
        else:
            held[name] = _moved(before[name], random)
        with np.errstate(all="ignore"):
            y_after, _, after = self.run(arguments, held)
        changed = [other for other in others if other in before and not _same(before[other], after.get(other))]
        changed += [] if _same(y, y_after) else [self.output]
        return [other for other in dict.fromkeys(changed) if other != name]

    def _run_steps(self, *arguments: object, tap: Callable) -> tuple[object, dict[str, object]]:
        values = dict(zip(self.names, arguments, strict=True))
        for name, step in self.steps.items():
            taken = {p: tap(f"{p}{VIA}{name}", values[p]) for p in self.parameters[name]}
            values[name] = tap(name, step(**taken))
        return values[name], values


def _of_a_function(forward: Callable, arguments: Mapping[str, object] | Sequence) -> tuple[list[str], list]:
    """Names and values of the arguments of a function with a tap."""
    names = [name for name in inspect.signature(forward).parameters if name != "tap"]
    if "tap" not in inspect.signature(forward).parameters:
        raise TypeError(
            "trace takes forward as a dictionary of steps, or as a function with a parameter `tap` through which it "
            'sends its intermediate values: mu = tap("mu", x.mean(axis=0)).'
        )
    if isinstance(arguments, Mapping):
        return list(arguments), [arguments[name] for name in names if name in arguments]
    arguments = [arguments] if isinstance(arguments, np.ndarray) else list(arguments)
    return names[: len(arguments)], arguments


def _of_steps(arguments: Mapping[str, object] | Sequence) -> tuple[list[str], list]:
    if not isinstance(arguments, Mapping):
        raise TypeError(
            "Steps find their arguments by name: give them as a dictionary, "
            f'such as {{"x": x, "gamma": gamma}}, got {type(arguments).__name__}.'
        )
    return list(arguments), list(arguments.values())


def _without_repetition(steps: Steps | Sequence) -> dict[str, Callable]:
    pairs = list(steps.items() if isinstance(steps, Mapping) else steps)
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Two steps are called {name!r}: each makes a value of a new name.")
    return dict(pairs)


def _parameters(steps: Steps, names: list[str]) -> dict[str, list[str]]:
    """Which earlier values each step takes."""
    known, found = list(names), {}
    if not steps:
        raise ValueError("forward has no steps; the last step makes the output.")
    for name, step in steps.items():
        if name in known:
            raise ValueError(f"A step is called {name!r}, as an argument is: each makes a value of a new name.")
        found[name] = []
        for parameter in inspect.signature(step).parameters.values():
            if parameter.name in known:
                found[name].append(parameter.name)
            elif parameter.default is parameter.empty:
                raise ValueError(
                    f"Step {name!r} takes {parameter.name!r}, which is neither an argument nor an earlier step. "
                    f"There are {', '.join(known)}."
                )
        known.append(name)
    return found


def _moved(value: object, random: np.random.Generator) -> object:
    """The value with every entry moved by about a thousandth."""
    array = np.asarray(value, dtype=np.float64)
    size = float(np.abs(array).max(initial=0.0)) or 1.0
    return array + 1e-3 * size * random.uniform(0.5, 1.0, array.shape)


def _same(a: object, b: object) -> bool:
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(map(_same, a, b))
    try:
        return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)
    except TypeError:  # not numbers
        return a is b or a == b
