"""What every layer promises.

A layer computes y = f(x; parameters) and, given dy = dL/dy for some loss L, the gradients dx = dL/dx and
dL/d(parameter). The mathematics stands in a pure pair of functions beside the class (`conv2d_forward`,
`conv2d_backward`); the class only remembers the parameters and the cache between the two calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ..arguments import checked_dtype, checked_rng, checked_shape
from ..configured import Configured


class NotReadyError(RuntimeError, AttributeError):
    """A layer or model was used before the call that it needs first (`build`, `forward`).

    Examples
    --------
    >>> from minicnn.layers import Dense, NotReadyError
    >>> try:
    ...     Dense(4).params
    ... except NotReadyError as error:
    ...     print(error)
    Dense has no params yet: put the layer into a Sequential, or call build(input_shape) first.
    """


class Layer(Configured):
    """The base of every layer.

    A subclass writes `forward` and `backward`, where it changes the shape also `output_shape_for`, and where it has
    parameters `param_shapes` and `build_params`. It stores each constructor argument under the argument's own name.

    Attributes
    ----------
    params : dict of str to array
        What the optimizer changes, named as the pure function's arguments ("w", "b", "gamma", "beta").
    grads : dict of str to array
        dL/d(parameter) of the last `backward`, same names and shapes as `params`.
    state : dict of str to array
        What training changes but no gradient does (the running statistics of `BatchNorm`).
    input_shape, output_shape : tuple of int
        Shapes of one example, without the batch axis; set by `build`.
    dtype : numpy.dtype
        float32 or float64: what the layer computes in; set by `build`.
    rng : numpy.random.Generator
        Source of the layer's randomness, shared by all layers of a model; set by `build`.
    cache
        What the last `forward` kept for `backward`.

    Examples
    --------
    >>> from minicnn.layers import Layer
    >>> class Square(Layer):
    ...     def forward(self, x, training=False):
    ...         self.cache = x
    ...         return x**2
    ...     def backward(self, dy):
    ...         return 2 * self.cache * dy
    >>> from minicnn import gradcheck
    >>> gradcheck.check_layer(Square(), np.array([[1.0, -2.0]])).passed
    True
    """

    def build(
        self, input_shape: tuple[int, ...], rng: np.random.Generator | None = None, dtype: DTypeLike = np.float32
    ) -> tuple[int, ...]:
        """Fix the shapes, draw the initial parameters and return the shape of one output.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one example, without the batch axis.
        rng : numpy.random.Generator, optional
            Source of initial parameters and of later randomness; by default one with seed 0.
        dtype : float32 or float64

        Returns
        -------
        output_shape : tuple of int

        Raises
        ------
        TypeError, ValueError
            If the layer cannot take such an input, or an argument is not of its form; the layer is unchanged then.
        """
        input_shape, dtype = checked_shape(input_shape, empty=True), checked_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else checked_rng(f"{type(self).__name__}.build", rng)
        output_shape = self.output_shape_for(input_shape)
        self.input_shape, self.output_shape = input_shape, output_shape
        self.rng, self.dtype = rng, dtype
        self.params, self.grads, self.state = {}, {}, {}
        self.build_params()
        return output_shape

    def output_shape_for(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one output for the shape of one input; here the same."""
        return input_shape

    def param_shapes(self, input_shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the `params` that `build` will make for inputs of one shape; here none.

        From them `minicnn.load` knows what a model will need in memory before it builds it.
        """
        return {}

    @property
    def smallest_training_batch(self) -> int:
        """How many examples a training step needs at least; batch norm on vectors needs two."""
        return 1

    def build_params(self) -> None:
        """Fill `params` and `state`; a layer without any leaves this as it is."""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Compute y from a batch x and keep in `cache` what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} needs a method forward(x, training=False).")

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Take dL/dy of the last `forward`, put dL/d(parameter) into `grads` and return dL/dx."""
        raise NotImplementedError(f"{type(self).__name__} needs a method backward(dy).")

    def backward_params(self, dy: np.ndarray) -> None:
        """Like `backward`, without dL/dx where that saves work: the first layer's input is data."""
        self.backward(dy)

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Compute y in evaluation mode and leave `cache` as it was."""
        before = {"cache": self.cache} if "cache" in vars(self) else {}
        try:
            return self.forward(x, training=False)
        finally:
            self.forget()
            vars(self).update(before)

    def forget(self) -> None:
        """Let go of what `forward` kept for `backward`."""
        vars(self).pop("cache", None)

    def __getattr__(self, name: str):
        """Say what to do when something is read that `build` or `forward` would have set."""
        kind = type(self).__name__
        if name == "cache":
            raise NotReadyError(f"{kind}.backward needs a forward pass first: call forward(x), then backward(dy).")
        if name in ("params", "grads", "state", "input_shape", "output_shape", "dtype", "rng"):
            raise NotReadyError(
                f"{kind} has no {name} yet: put the layer into a Sequential, or call build(input_shape) first."
            )
        raise AttributeError(f"{kind} has no attribute {name!r}; its arrays are in params, grads and state.")


class FunctionLayer(Layer):
    """A layer without parameters: the pure pair of functions is all there is to it.

    A subclass names the pair in `functions`; its constructor's arguments are the forward function's options.
    """

    functions: ClassVar[tuple[Callable, Callable]]

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """The pure forward function; training and evaluation are the same."""
        y, self.cache = self.functions[0](x, **self.config)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """The pure backward function."""
        return self.functions[1](dy, self.cache)
