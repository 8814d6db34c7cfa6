"""Sequential: layers in a row, each fed by the one before.

    forward     x_1 = f_1(x_0),  x_2 = f_2(x_1),  ...,  y = x_n                                     (1)
    backward    dx_{k-1} = (dx_k through f_k),  from dy = dx_n back to dx_0: the chain rule         (2)

Each layer keeps what its own backward pass needs; the model only hands arrays on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from . import batches
from .arguments import checked_count, checked_dtype, checked_flag, checked_kind, checked_shape
from .kernels import parallel
from .layers.layer import Layer
from .losses import Loss
from .mode_watch import ModeWatch
from .onlooker import Onlooker

Arrays = dict[str, np.ndarray]

ALWAYS_FITS = 1 << 28  # bytes of a layer's parameters for which nobody asks how much memory there is


class Sequential:
    """A network of layers in a row.

    Parameters
    ----------
    layers : sequence of Layer
        Fresh ones: a layer belongs to one model.
    input_shape : tuple of int
        Shape of one example, such as (28, 28, 1), without the batch axis.
    seed : int
        Where all randomness of the model starts: initial parameters, dropout, shuffling.
    dtype : "float32" or "float64"
        What the model computes in.

    Attributes
    ----------
    layer_names : list of str
        A name for each layer, such as "conv2d_1".
    output_shape : tuple of int
        Shape of one output.
    rng : numpy.random.Generator
        Shared by all layers.
    mode_watch : ModeWatch
        Sees evaluations that were made with `training=True`.

    Raises
    ------
    TypeError, ValueError
        If a layer cannot take what the layer before gives, or an argument is not of its form.
    MemoryError
        If the parameters of a layer are larger than this machine's memory.

    Examples
    --------
    >>> from minicnn import Conv2D, Dense, Flatten, ReLU, Sequential
    >>> model = Sequential([Conv2D(8, 3), ReLU(), Flatten(), Dense(10)], input_shape=(28, 28, 1))
    >>> model.parameter_count  # 3 * 3 * 8 + 8, and 26 * 26 * 8 * 10 + 10
    54170
    >>> model.predict(np.zeros((5, 28, 28, 1), "float32")).shape
    (5, 10)
    """

    def __init__(
        self, layers: Sequence[Layer], input_shape: tuple[int, ...], seed: int = 0, dtype: DTypeLike = "float32"
    ):
        self.layers = _checked_layers(layers)
        self.input_shape = checked_shape(input_shape)
        self.dtype = checked_dtype(dtype)
        self.seed = checked_count("Sequential", "seed", seed, at_least=0)
        self.rng = np.random.Generator(np.random.SFC64(seed))
        self.layer_names = names_of(self.layers)
        self.mode_watch = ModeWatch()
        self.output_shape = self._infer_shapes()
        shape = self.input_shape
        for layer in self.layers:
            shape = layer.build(shape, self.rng, self.dtype)

    def forward(self, x: np.ndarray, training: bool = False, onlooker: Onlooker | None = None) -> np.ndarray:
        """Compute the outputs of a batch, equation (1).

        Parameters
        ----------
        x : array, shape `(N, *input_shape)`
        training : bool
            Whether dropout silences and batch norm uses the batch's own statistics.
        onlooker : Onlooker, optional
            Sees what goes into each layer and what comes out.

        Returns
        -------
        y : array, shape `(N, *output_shape)`

        Raises
        ------
        TypeError, ValueError
            If x is no batch of float examples of the input shape.
        """
        self.check_batch(x)
        x = x.astype(self.dtype, copy=False)
        if checked_flag("forward", "training", training):
            self.mode_watch.forward(x, dict(zip(self.layer_names, self.layers, strict=True)))
        with parallel.threads():
            for name, layer in zip(self.layer_names, self.layers, strict=True):
                y = layer.forward(x, training)
                if onlooker is not None:
                    onlooker.forward(name, layer, x, y)
                x = y
        return x

    def backward(
        self, dy: np.ndarray, need_dx: bool = True, keep_caches: bool = True, onlooker: Onlooker | None = None
    ) -> np.ndarray | None:
        """Compute all gradients of the last `forward`, equation (2).

        Parameters
        ----------
        dy : array, shape `(N, *output_shape)`
            dL/dy.
        need_dx : bool
            False saves the gradient of the data, which training has no use for.
        keep_caches : bool
            False lets go of what each layer remembers of the forward pass as soon as its gradients are known, which
            frees memory; `backward` cannot be called again then.
        onlooker : Onlooker, optional
            Sees what comes to each layer and what goes on.

        Returns
        -------
        dx : array, shape `(N, *input_shape)`, or None
            dL/dx; the gradients of the parameters are in `grads`.
        """
        first = self.layers[0]
        self.mode_watch.backward()
        with parallel.threads():
            for name, layer in reversed(list(zip(self.layer_names, self.layers, strict=True))):
                dx = layer.backward(dy) if need_dx or layer is not first else layer.backward_params(dy)
                if onlooker is not None:
                    onlooker.backward(name, layer, dy, dx)
                if not keep_caches:
                    layer.forget()
                dy = dx
        return dx

    def predict(self, x: batches.Examples, batch_size: int = 256) -> np.ndarray:
        """Outputs in evaluation mode, a batch at a time; a `backward` that is due still finds its forward pass.

        Parameters
        ----------
        x : array, shape `(N, *input_shape)`, or an object with `len(x)` and `x[a:b]`
            Larger than the memory, if need be: see `minicnn.batches`.
        batch_size : int
            Examples at a time; changes memory and speed, not the result.

        Returns
        -------
        y : array, shape `(N, *output_shape)`
            Logits for a network trained with a loss on logits, see `Loss.probabilities`.
        """
        self.check_batch(batches.peek(x, "predict"))
        checked_count("predict", "batch_size", batch_size, at_least=1)
        y = np.empty((len(x), *self.output_shape), self.dtype)
        with parallel.threads(), batches.slices(x, batch_size) as parts:
            for start, part in zip(range(0, len(x), batch_size), parts, strict=True):
                self.check_batch(part)
                part = part.astype(self.dtype, copy=False)
                for layer in self.layers:
                    part = layer.predict(part)
                y[start : start + batch_size] = part
        return y

    def evaluate(
        self, data: tuple[batches.Examples, np.ndarray], loss: Loss, batch_size: int = 256
    ) -> dict[str, float | None]:
        """Loss and accuracy in evaluation mode.

        Parameters
        ----------
        data : (array, array)
            Examples as in `predict`, and their labels (N,).
        loss : Loss
        batch_size : int

        Returns
        -------
        dict
            "loss", and "accuracy" from 0 to 1 (None for a loss without classes).
        """
        checked_kind("evaluate", "loss", loss, Loss, "a loss such as SoftmaxCrossEntropy()")
        x, labels = batches.checked_pair(data, "evaluate", "data")
        labels = batches.all_labels(labels, "evaluate")
        logits = self.predict(x, batch_size)
        mean_loss = loss.value(logits, labels)  # also sees that the labels fit
        correct = loss.correct(logits, labels)
        return {"loss": mean_loss, "accuracy": None if correct is None else correct / len(x)}

    @property
    def params(self) -> Arrays:
        """Every parameter by name, such as "conv2d_1.w"; the arrays themselves, which an optimizer changes."""
        return self._gather("params")

    @property
    def grads(self) -> Arrays:
        """The gradient of every parameter, by the same names."""
        return self._gather("grads")

    @property
    def state(self) -> Arrays:
        """What training changes without a gradient, such as "batchnorm_1.running_mean"."""
        return self._gather("state")

    def set_state(self, state: Arrays) -> None:
        """Put copies of the arrays in place of `state`.

        Parameters
        ----------
        state : dict of str to array
            Names and shapes as in `state`.

        Raises
        ------
        ValueError
            If they differ; nothing has changed then.
        """
        checked_kind("set_state", "state", state, dict, "a dictionary of arrays such as model.state")
        lists = [name for name, array in state.items() if not isinstance(array, np.ndarray)]
        if lists:
            raise TypeError(f"set_state takes arrays as model.state has them, got a list or the like for {lists[0]}.")
        mine = self.state
        if {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in mine.items()}:
            raise ValueError(
                "set_state needs arrays of the names and shapes of model.state, got "
                f"{ {k: v.shape for k, v in state.items()} }."
            )
        for layer_name, layer in zip(self.layer_names, self.layers, strict=True):
            for name in layer.state:
                layer.state[name] = state[f"{layer_name}.{name}"].astype(self.dtype)

    @property
    def parameter_count(self) -> int:
        """How many numbers the model has learned: parameters and running statistics."""
        return self.trainable_count + sum(array.size for array in self.state.values())

    @property
    def trainable_count(self) -> int:
        """How many of them gradients change."""
        return sum(array.size for array in self.params.values())

    @property
    def smallest_training_batch(self) -> int:
        """How many examples a training step needs at least."""
        return max(layer.smallest_training_batch for layer in self.layers)

    def summary(self) -> str:
        """A table of the layers: name, output shape, parameters, and how many of them are trainable."""
        rows = [("layer", "", "output shape", "parameters", "trainable")]
        for name, layer in zip(self.layer_names, self.layers, strict=True):
            trainable = sum(array.size for array in layer.params.values())
            total = trainable + sum(array.size for array in layer.state.values())
            rows.append((name, repr(layer), str(layer.output_shape), f"{total:,}", f"{trainable:,}"))
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = [
            "  ".join(f"{cell:{'<' if column < 3 else '>'}{widths[column]}}" for column, cell in enumerate(row))
            for row in rows
        ]
        rule = "-" * len(lines[0])
        counts = f"{self.parameter_count:,} parameters, {self.trainable_count:,} trainable"
        return "\n".join([f"Sequential on inputs {self.input_shape}", rule, lines[0], rule, *lines[1:], rule, counts])

    def check_batch(self, x: np.ndarray) -> None:
        """See that x is a batch of float examples of the input shape.

        Raises
        ------
        TypeError, ValueError
            If it is not.
        """
        if not hasattr(x, "dtype") or x.dtype.kind != "f":
            what = f"an array of {x.dtype}" if hasattr(x, "dtype") else f"a {type(x).__name__}"
            raise TypeError(
                f'The model takes an array of floats, got {what}. Convert it, e.g. x.astype("float32"); '
                "divide pixels 0..255 by 255, or let datasets.ScaledImages(x) do both a batch at a time."
            )
        if x.shape[1:] != self.input_shape or x.ndim == 0 or len(x) == 0:
            hint = "Add the batch axis with x[None]." if x.shape == self.input_shape else "Reshape it."
            raise ValueError(
                f"The model takes a batch of shape (N, {', '.join(map(str, self.input_shape))}) with N > 0, "
                f"got {x.shape}. {hint}"
            )

    def __repr__(self) -> str:
        """Show the call that makes such a model."""
        layers = ", ".join(map(repr, self.layers))
        return f"Sequential([{layers}], input_shape={self.input_shape}, seed={self.seed}, dtype={self.dtype.name!r})"

    def _gather(self, kind: str) -> Arrays:
        return {
            f"{layer_name}.{name}": array
            for layer_name, layer in zip(self.layer_names, self.layers, strict=True)
            for name, array in getattr(layer, kind).items()
        }

    def _infer_shapes(self) -> tuple[int, ...]:
        shape = self.input_shape
        for name, layer in zip(self.layer_names, self.layers, strict=True):
            inputs = shape
            try:
                shape = layer.output_shape_for(shape)
            except ValueError as error:
                raise ValueError(f"{name} cannot take inputs of shape {shape}: {error}") from None
            _check_memory(name, layer, layer.param_shapes(inputs), self.dtype)
        return shape


def _check_memory(name: str, layer: Layer, shapes: dict[str, tuple[int, ...]], dtype: np.dtype) -> None:
    """See that a layer's parameters are not larger than the memory, before they are drawn."""
    size = dtype.itemsize * sum(map(math.prod, shapes.values()))
    if size < ALWAYS_FITS:
        return
    import psutil  # comes when first used

    memory = psutil.virtual_memory().total
    if size > memory:
        raise MemoryError(
            f"{name}, {layer!r}, would have parameters of {size:,} bytes, and this machine has a memory of {memory:,}. "
            "Give it fewer outputs, or fewer inputs by pooling before it."
        )


def _checked_layers(layers: Sequence[Layer]) -> list[Layer]:
    if not isinstance(layers, (list, tuple)):
        raise TypeError(f"Sequential takes a list of layers, got {layers!r}.")
    if not layers:
        raise ValueError("Sequential needs at least one layer, got none.")
    for position, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            hint = f" Write {layer.__name__}(...) to make one." if isinstance(layer, type) else ""
            raise TypeError(f"Sequential takes layers, got {layer!r} at position {position}.{hint}")
        if "params" in vars(layer) or any(layer is other for other in layers[:position]):
            raise ValueError(
                f"{layer!r} at position {position} is in use already. A layer holds its own parameters: make a new one."
            )
    return list(layers)


def names_of(layers: Sequence[Layer]) -> list[str]:
    """Name the layers of a model conv2d_1, conv2d_2, relu_1, ...: counted for each kind."""
    count: Counter[str] = Counter()
    names = []
    for layer in layers:
        kind = type(layer).__name__.lower()
        count[kind] += 1
        names.append(f"{kind}_{count[kind]}")
    return names
