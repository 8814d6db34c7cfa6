"""Exercise 15: the lesson, with your own layers.

Two things are missing until a whole network of your layers learns.

The chain. A network is a list of layers, each a pair (forward, backward) with its parameters inside already:

    forward(x) -> (y, cache)                                                                        (1)
    backward(dy, cache) -> (dx, gradient, gradient, ...)     a tuple; (dx,) where nothing is learned (2)

The forward pass feeds each layer with the output of the one before and keeps the caches; the backward pass goes through
the list from its end, and hands each dx to the layer before as its dy.                             (3)

The arms. The lesson trains one network in four arms, to see what two techniques do:

    plain     (conv - relu - maxpool) with 16, then with 32 filters - flatten - dense 128 - relu - dense 10
    dropout   + dropout 0.25 after each pooling, dropout 0.5 after the last relu
    batchnorm + batch norm between each layer with weights and its relu (so not on the last dense layer)
    both      + both                                                                                (4)

It builds on all exercises before. Write the three functions, then: minicnn exercises check 15
And then see your own layers learn: minicnn exercises lesson
"""

from collections.abc import Callable, Sequence

import numpy as np

Layer = tuple[Callable, Callable]


def chain_forward(layers: Sequence[Layer], x: np.ndarray) -> tuple[np.ndarray, list]:
    """Go through all layers, equations (1) and (3).

    Parameters
    ----------
    layers : list of (forward, backward)
    x : array
        Input of the first layer.

    Returns
    -------
    y : array
        Output of the last layer.
    caches : list
        One cache a layer, in the order of the layers.
    """
    # your code
    caches = []
    for forward, _ in layers:
        x, cache = forward(x)
        caches.append(cache)
    return x, caches
    # end


def chain_backward(layers: Sequence[Layer], dy: np.ndarray, caches: list) -> tuple[np.ndarray, list[tuple]]:
    """Go back through all layers, equations (2) and (3).

    Parameters
    ----------
    layers : list of (forward, backward)
    dy : array
        dL/dy of the last layer's output.
    caches : list
        From chain_forward.

    Returns
    -------
    dx : array
        dL/dx of the first layer's input.
    gradients : list of tuple
        For each layer, in the order of the layers, its parameters' gradients: what its backward function returned
        without the dx; an empty tuple where there are none.
    """
    # your code
    gradients = []
    for (_, backward), cache in zip(reversed(layers), reversed(caches), strict=True):
        dy, *of_parameters = backward(dy, cache)
        gradients.append(tuple(of_parameters))
    return dy, gradients[::-1]
    # end


def arm(dropout: bool, batchnorm: bool) -> list[str]:
    """The layers of one arm in their order, as in (4).

    Parameters
    ----------
    dropout, batchnorm : bool

    Returns
    -------
    layers : list of str
        Made of "conv 16", "conv 32", "batchnorm", "relu", "maxpool", "dropout 0.25", "dropout 0.5", "flatten",
        "dense 128" and "dense 10".
    """
    # your code
    norm = ["batchnorm"] if batchnorm else []
    layers = []
    for filters in (16, 32):
        layers += [f"conv {filters}", *norm, "relu", "maxpool"]
        if dropout:
            layers += ["dropout 0.25"]
    layers += ["flatten", "dense 128", *norm, "relu"]
    if dropout:
        layers += ["dropout 0.5"]
    return [*layers, "dense 10"]
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn import BatchNorm, Conv2D, Dense, Dropout, MaxPool2D, functional
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Mistake, Values, Wrong
from minicnn.lesson import network

CLASSES = 10


def in_words(layer) -> str:
    """A layer of the library's lesson as `arm` names it."""
    if isinstance(layer, Conv2D):
        return f"conv {layer.filters}"
    if isinstance(layer, Dense):
        return f"dense {layer.units}"
    if isinstance(layer, Dropout):
        return f"dropout {layer.rate:g}"
    return {BatchNorm: "batchnorm", MaxPool2D: "maxpool"}.get(type(layer), type(layer).__name__.lower())


def right_arm(dropout: bool, batchnorm: bool) -> list[str]:
    """The library's own arm."""
    model = network((28, 28, 1), CLASSES, 0, dropout=dropout, batchnorm=batchnorm)
    return [in_words(layer) for layer in model.layers]


def arms(yours) -> Wrong | None:
    """All four, and the first difference in words."""
    for dropout, batchnorm in np.ndindex(2, 2):
        got, right = yours.arm(bool(dropout), bool(batchnorm)), right_arm(bool(dropout), bool(batchnorm))
        called = f"arm(dropout={bool(dropout)}, batchnorm={bool(batchnorm)})"
        if not isinstance(got, list) or not all(isinstance(name, str) for name in got):
            return Wrong("wrong-type", f"{called} must return a list of names, got {got!r}.")
        if got != right:
            code, why = _difference(got, right)
            return Wrong(code, f"{called} gives\n    {' - '.join(got)}\n{why}")
    return None


def _difference(got: list[str], right: list[str]) -> tuple[str, str]:
    """What the first difference means."""
    k = next((i for i, (a, b) in enumerate(zip(got, right, strict=False)) if a != b), min(len(got), len(right)))
    here, wanted = got[k] if k < len(got) else "the end", right[k] if k < len(right) else "the end"
    before = right[k - 1] if k else "the start"
    if wanted == "batchnorm" and here == "relu":
        return "batchnorm-misplaced", f"After {before} comes batchnorm, before the relu: see (4)."
    if here == "batchnorm":
        return "batchnorm-misplaced", f"After {before} there is no batchnorm: it stands between weights and a relu."
    if here.startswith("dropout"):
        return "dropout-misplaced", f"After {before} there is no {here}, but {wanted}: see (4)."
    if wanted.startswith("dropout"):
        return "dropout-misplaced", f"After {before} comes {wanted}, not {here}: see (4)."
    return "wrong-order", f"After {before} comes {wanted}, not {here}: see (4)."


def three_layers(w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray) -> list:
    """Dense, tanh, dense, as pairs with the parameters inside."""

    def alone(backward):
        return lambda dy, cache: (backward(dy, cache),)

    return [
        (lambda x: functional.dense_forward(x, w1, b1), functional.dense_backward),
        (functional.tanh_forward, alone(functional.tanh_backward)),
        (lambda x: functional.dense_forward(x, w2, b2), functional.dense_backward),
    ]


def as_pair(yours):
    """The learner's chain over dense, tanh, dense as a forward and a backward function of x and the parameters."""

    def forward(x, *params):
        layers = three_layers(*params)
        y, caches = yours.chain_forward(layers, x)
        return y, (layers, caches)

    def backward(dy, cache):
        dx, gradients = yours.chain_backward(cache[0], dy, cache[1])
        return dx, *gradients[0], *gradients[2]

    return forward, backward


def drawn() -> dict[str, np.ndarray]:
    """An input and the parameters of the two dense layers."""
    rng = np.random.default_rng(5)
    shapes = {"x": (4, 3), "w1": (3, 5), "b1": (5,), "w2": (5, 2), "b2": (2,)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def doubled_and_added() -> dict[str, object]:
    """Two layers to do in the head: times 2, then plus 3."""
    double = (lambda x: (2 * x, "cache of the doubling"), lambda dy, cache: (2 * dy,))
    add = (lambda x: (x + 3, "cache of the adding"), lambda dy, cache: (dy,))
    return {"layers": [double, add], "x": np.array([[1.0, 10.0]])}


def right_chain(layers: list, x: np.ndarray) -> tuple[np.ndarray, None]:
    """The output alone; the caches are asked for by another check."""
    for forward, _ in layers:
        x, _ = forward(x)
    return x, None


def backwards(layers: list, x: np.ndarray) -> tuple[np.ndarray, None]:
    """The mistake of starting at the end."""
    return right_chain(layers[::-1], x)


def all_from_x(layers: list, x: np.ndarray) -> tuple[np.ndarray, None]:
    """The mistake of feeding every layer with the network's input."""
    return layers[-1][0](x)[0], None


def caches_in_order(yours) -> Wrong | None:
    """One cache a layer, in the order of the layers."""
    example = doubled_and_added()
    _, caches = yours.chain_forward(**example)
    right = [forward(example["x"])[1] for forward, _ in example["layers"]]
    if not all(isinstance(cache, str) for cache in caches) or list(caches) != right:
        return Wrong("caches-out-of-order", f"caches is {caches}, expected one a layer in their order, {right}.")
    return None


def gradients_in_order(yours) -> Wrong | None:
    """One tuple a layer, in the order of the layers, without the dx."""
    x, *params = drawn().values()
    layers = three_layers(*params)
    y, caches = yours.chain_forward(layers, x)
    given = list(layers), list(caches)
    result = yours.chain_backward(layers, np.ones_like(y), caches)
    if [*map(id, layers), *map(id, caches)] != [*map(id, given[0]), *map(id, given[1])]:
        return Wrong(
            "argument-modified",
            "chain_backward changed the list of layers or of caches: reverse() and pop() work in the list itself, and "
            "the network needs it for the next batch. reversed(layers) and layers[::-1] leave it as it is.",
        )
    if not isinstance(result, tuple) or len(result) != 2:
        return Wrong("wrong-returns", "chain_backward must return two values, (dx, gradients).")
    _, gradients = result
    shapes = [tuple(np.shape(g) for g in of_layer) for of_layer in gradients]
    right = [((3, 5), (5,)), (), ((5, 2), (2,))]
    if shapes == right[::-1]:
        return Wrong("gradients-reversed", "gradients begins with the last layer: turn the list round at the end.")
    if [s[1:] for s in shapes] == right:
        return Wrong(
            "dx-among-gradients", "gradients holds each layer's dx too: leave out the first of what came back."
        )
    if shapes == [s for s in right if s]:
        return Wrong("empty-left-out", "Layers without parameters are left out: give an empty tuple for each.")
    if shapes != right:
        return Wrong("wrong-returns", f"For dense, tanh, dense, gradients has the shapes {shapes}, expected {right}.")
    return None


EXERCISE = Exercise(
    title="the lesson with your own layers",
    builds_on=(
        *("01_dense", "02_relu", "03_softmax_cross_entropy", "06_convolution_forward", "07_convolution_backward"),
        *("08_max_pooling", "09_dropout", "10_batchnorm_forward", "12_batchnorm_one_expression", "14_training_loop"),
    ),
    checks=[
        Values(
            "chain_forward",
            doubled_and_added,
            right_chain,
            uncompared="caches",
            title="through two layers",
            mistakes=[
                Mistake(
                    "from-the-end", "The layers ran from the last to the first: that is the backward pass.", backwards
                ),
                Mistake(
                    "fed-with-x", "Every layer got the network's x: feed each with the output before it.", all_from_x
                ),
            ],
        ),
        Condition("the caches", caches_in_order),
        Condition("the list of gradients", gradients_in_order),
        Gradients("chain_forward", "chain_backward", drawn, pair=as_pair, title="dense, tanh, dense"),
        Condition("the four arms", arms),
    ],
    hints=[
        """\
The idea. chain_forward needs one variable for what flows and one list; so does chain_backward. They are the same loop
in opposite directions: zip the layers with their caches and reverse both.""",
        """\
The formula. y_0 = x, (y_k, cache_k) = forward_k(y_{k-1});  then from the last k to the first,
(dy_{k-1}, gradients_k) = backward_k(dy_k, cache_k). What remains at the end is dx = dy_0.""",
        """\
Almost the code. `dy, *of_parameters = backward(dy, cache)` splits the tuple; collect tuple(of_parameters), and turn the
collected list round before you return it. For arm: a list that grows with +=, and `["batchnorm"] if batchnorm else []`
where batch norm may stand.""",
    ],
    derivation="""\
L depends on y_{k-1} only through y_k = f_k(y_{k-1}), so dL/dy_{k-1} is dL/dy_k passed through layer k's backward
function, and nothing else about the rest of the network matters to layer k. The chain rule, applied n times, is a loop.

The arms differ only by layers put in. Neither batch norm nor dropout draws a random number while the network is made,
so all four start from the same weights: what differs later is the techniques' doing.""",
)
