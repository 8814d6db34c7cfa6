"""One arm of the lesson made of the learner's functions alone.

What is not an exercise comes from minicnn: the initial weights and the order of the examples, so that a learner's
network and minicnn's start alike and see the same batches; and the measuring, so that both are measured in one way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import ModuleType

import numpy as np

from .. import datasets
from ..datasets import Split
from ..lesson import ARMS, Size
from ..losses import SoftmaxCrossEntropy
from ..results import Curves

DATA = "fashion-mini"
AT_ONCE = 250  # images to predict
KINDS = {"conv": "conv2d", "maxpool": "maxpool2d"}  # arm's words for what minicnn calls otherwise
Arrays = dict[str, np.ndarray]


class OwnNetwork:
    """One arm.

    Parameters
    ----------
    arm : str
        A key of `minicnn.lesson.ARMS`.
    image_shape : (int, int, int)
    classes : int
    seed : int
    functions : module
        The learner's functions, by the names that they have in the exercises.

    Attributes
    ----------
    params : dict of str to array
        Where training starts.
    rng : numpy.random.Generator
        For the order of the examples, and for dropout.
    """

    def __init__(self, arm: str, image_shape: tuple[int, ...], classes: int, seed: int, functions: ModuleType):
        twin = ARMS[arm](image_shape, classes, seed)
        self.functions, self.rng = functions, twin.rng
        self.params = {name: param.copy() for name, param in twin.params.items()}
        self.running = {name: value.copy() for name, value in twin.state.items()}
        words = functions.arm(arm in ("dropout", "both"), arm in ("batchnorm", "both"))
        self.names = _names(words)
        if list(self.params) != [name for names in map(self._param_names, self.names) for name in names]:
            raise ValueError(f"The arm {arm} needs the layers of exercise 15, got {' - '.join(words)}.")

    def loss_and_gradients(self, params: Arrays, x: np.ndarray, labels: np.ndarray) -> tuple[float, Arrays]:
        """What the learner's loop asks for at every step."""
        yours = self.functions
        layers = self._layers(params, training=True)
        logits, caches = yours.chain_forward(layers, x)
        loss, cache = yours.softmax_cross_entropy_forward(logits, labels)
        dlogits = yours.softmax_cross_entropy_backward(1.0, cache)
        _, gradients = yours.chain_backward(layers, dlogits, caches)
        return loss, {
            name: gradient
            for layer, of_layer in zip(self.names, gradients, strict=True)
            for name, gradient in zip(self._param_names(layer), of_layer, strict=True)
        }

    def evaluate(self, params: Arrays, split: Split) -> tuple[float, float]:
        """Loss and accuracy in evaluation mode, measured by minicnn."""
        layers, loss = self._layers(params, training=False), SoftmaxCrossEntropy()
        starts = range(0, len(split.images), AT_ONCE)
        batches = (split.images[start : start + AT_ONCE] for start in starts)
        logits = np.concatenate([self.functions.chain_forward(layers, x)[0] for x in batches])
        return loss.value(logits, split.labels), loss.correct(logits, split.labels) / len(logits)

    def _param_names(self, layer: str) -> list[str]:
        return [name for name in self.params if name.startswith(f"{layer}.")]

    def _layers(self, params: Arrays, training: bool) -> list[tuple[Callable, Callable]]:
        """The network as pairs (forward, backward) with the parameters inside."""
        return [self._layer(name, [params[n] for n in self._param_names(name)], training) for name in self.names]

    def _layer(self, name: str, params: list[np.ndarray], training: bool) -> tuple[Callable, Callable]:
        yours, kind, rate = self.functions, name.split("_")[0], self.names[name]
        if kind == "conv2d":
            return lambda x: yours.conv2d_forward(x, *params, 1, 1), yours.conv2d_backward
        if kind == "dense":
            return lambda x: yours.dense_forward(x, *params), yours.dense_backward
        if kind == "batchnorm":
            return lambda x: self._normalize(name, x, *params, training), yours.batchnorm_backward
        if kind == "relu":
            return yours.relu_forward, _without_parameters(yours.relu_backward)
        if kind == "maxpool2d":
            return lambda x: yours.max_pool2d_forward(x, 2, 2), _without_parameters(yours.max_pool2d_backward)
        if kind == "dropout":
            forward = lambda x: yours.dropout_forward(x, rate, self.rng, training)  # noqa: E731
            return forward, _without_parameters(yours.dropout_backward)
        return lambda x: (x.reshape(len(x), -1), x.shape), lambda dy, shape: (dy.reshape(shape),)  # flatten

    def _normalize(self, name: str, x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, training: bool):
        """Batch norm, with running statistics kept in training and used in evaluation."""
        yours, running = self.functions, self.running
        mean, var = f"{name}.running_mean", f"{name}.running_var"
        if not training:
            return yours.batchnorm_evaluate(x, gamma, beta, running[mean], running[var]), None
        for statistic, of_batch in zip((mean, var), yours.batch_statistics(x), strict=True):
            running[statistic] = yours.update_running(running[statistic], of_batch)
        return yours.batchnorm_forward(x, gamma, beta)


class OwnTraining:
    """One arm trained from one seed by the learner's own loop; what takes time to load is loaded here.

    Parameters
    ----------
    arm : str
        A key of `minicnn.lesson.ARMS`.
    seed : int
    size : minicnn.lesson.Size
    """

    def __init__(self, arm: str, seed: int, size: Size):
        self.arm, self.seed, self.recipe = arm, seed, size.recipe()
        self.data = size.draw(datasets.load(DATA))
        self.measured_on = self.data.subset(train=min(size.train_images, size.test_images)).train

    def __call__(self, functions: ModuleType, after_epoch: Callable[[Curves], None]) -> Curves:
        """Train.

        Parameters
        ----------
        functions : module
            The learner's functions.
        after_epoch : callable
            Gets the curves so far.

        Returns
        -------
        Curves
        """
        data, recipe, curves = self.data, self.recipe, Curves()
        network = OwnNetwork(self.arm, data.image_shape, len(data.classes), self.seed, functions)

        def measure(params: Arrays, _: float) -> None:
            for name, split in (("train", self.measured_on), ("test", data.test)):
                loss, accuracy = network.evaluate(params, split)
                getattr(curves, f"{name}_loss").append(loss)
                getattr(curves, f"{name}_accuracy").append(accuracy)
            after_epoch(curves)

        functions.train(
            network.params,
            *data.train,
            network.loss_and_gradients,
            recipe.epochs,
            recipe.batch_size,
            recipe.learning_rate,
            recipe.momentum,
            network.rng,
            measure,
        )
        return curves


def _names(words: list[str]) -> dict[str, float | None]:
    """`arm`'s words as minicnn names layers, such as "conv2d_1", each with the number in its words."""
    count: Counter[str] = Counter()
    names = {}
    for word in words:
        kind, _, number = word.partition(" ")
        kind = KINDS.get(kind, kind)
        count[kind] += 1
        names[f"{kind}_{count[kind]}"] = float(number) if number else None
    return names


def _without_parameters(backward: Callable) -> Callable:
    """A backward function that returns dx alone, as the chain wants it: (dx,)."""
    return lambda dy, cache: (backward(dy, cache),)
