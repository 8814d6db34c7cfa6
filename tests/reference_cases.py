"""Random calls of every pure function, for tests that compare implementations with `minicnn.reference.loops`.

`CALLS[name]` is a hypothesis strategy of `Call`s of one function. An implementation is a module (or any object) with
NAME_forward and NAME_backward for every name:

    call = data.draw(CALLS["conv2d"])
    y, gradients = call.run(loops)
"""

import copy
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import strategies as st


@dataclass(frozen=True)
class Call:
    """One call of NAME_forward and, with a random dy, of NAME_backward."""

    name: str
    arguments: dict
    options: dict = field(default_factory=dict)
    data: tuple = ("labels", "target")  # arguments that get no gradient

    @property
    def arrays(self):
        """The arguments that are arrays."""
        return [value for value in self.arguments.values() if isinstance(value, np.ndarray)]

    @property
    def differentiated(self):
        """Names of the arguments that get a gradient, in order."""
        return [k for k, v in self.arguments.items() if isinstance(v, np.ndarray) and k not in self.data]

    def forward(self, implementation):
        """Compute (y, cache); a Generator is copied, so that each call draws the same numbers."""
        values = [copy.deepcopy(v) if isinstance(v, np.random.Generator) else v for v in self.arguments.values()]
        return getattr(implementation, f"{self.name}_forward")(*values, **self.options)

    def backward(self, implementation, dy, cache):
        """Compute the list of gradients; the None for the bias of a call without one is left out."""
        gradients = getattr(implementation, f"{self.name}_backward")(dy, cache)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        return [gradient for gradient in gradients if gradient is not None]

    def run(self, implementation):
        """Compute y and the list of gradients."""
        y, cache = self.forward(implementation)
        return y, self.backward(implementation, self.dy(y), cache)

    def dy(self, y):
        """Draw an upstream gradient, the same for the same shape."""
        if isinstance(y, float):
            return 0.7
        return np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)

    def replaced(self, **arguments):
        """Return the call with other values for some arguments."""
        return replace(self, arguments=self.arguments | arguments)

    def as_float32(self):
        """Return the call with its float64 arrays in float32."""
        arrays = {k: v for k, v in self.arguments.items() if isinstance(v, np.ndarray) and v.dtype == np.float64}
        return self.replaced(**{name: array.astype(np.float32) for name, array in arrays.items()})


sizes = st.integers(1, 3)
steps = st.integers(1, 2)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def per_axis(numbers):
    return numbers | st.tuples(numbers, numbers)


def paddings(below):
    """Every form of padding, each number less than `below`."""
    cells = st.integers(0, below - 1)
    sides = st.tuples(cells, cells)
    return st.sampled_from(["same", "valid"]) | per_axis(cells) | st.tuples(sides, sides)


def normal_with_ties(rng, shape):
    """Normal numbers, a third of them rounded: some zeros, some equal maxima."""
    x = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 1 / 3, np.round(x), x)


def images(draw, rng, channels, smallest=(1, 1)):
    """Draw a batch of images of at least the smallest size."""
    height, width = (draw(st.integers(int(least), int(least) + 4)) for least in smallest)
    return normal_with_ties(rng, (draw(sizes), height, width, channels))


@st.composite
def conv2d(draw):
    rng = draw(generators)
    groups, in_group, out_group = draw(sizes), draw(sizes), draw(st.integers(1, 2))
    kernel, dilation = (draw(sizes), draw(sizes)), draw(per_axis(steps))
    smallest = 1 + np.multiply(dilation, np.subtract(kernel, 1))  # whatever the padding, one window fits
    arguments = {
        "x": images(draw, rng, groups * in_group, smallest),
        "w": rng.standard_normal((*kernel, in_group, groups * out_group)),
    }
    if draw(st.booleans()):
        arguments["b"] = rng.standard_normal(groups * out_group)
    stride, padding = draw(per_axis(sizes)), draw(paddings(below=4))
    return Call("conv2d", arguments, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups})


@st.composite
def pool2d(draw, name):
    rng = draw(generators)
    pool_size = draw(per_axis(sizes))
    smallest = np.broadcast_to(pool_size, 2)
    padding = draw(paddings(below=int(min(smallest))))
    # With padding in numbers, a stride beyond the window could put the last window on padding alone.
    longest = 4 if isinstance(padding, str) else int(min(smallest))
    stride = draw(st.none() | per_axis(st.integers(1, longest)))
    x = images(draw, rng, draw(sizes), smallest)
    return Call(name, {"x": x}, {"pool_size": pool_size, "stride": stride, "padding": padding})


@st.composite
def images_only(draw, name):
    return Call(name, {"x": images(draw, draw(generators), draw(sizes))})


@st.composite
def any_shape(draw, name):
    """Arrays of two to four axes."""
    return Call(name, {"x": normal_with_ties(draw(generators), draw(st.lists(sizes, min_size=2, max_size=4)))})


@st.composite
def leaky_relu(draw):
    options = {"negative_slope": draw(st.sampled_from([0.0, 0.01, 0.3]))}
    return replace(draw(any_shape("leaky_relu")), options=options)


@st.composite
def batchnorm(draw):
    rng, channels = draw(generators), draw(sizes)
    shape = draw(st.sampled_from([(4,), (7,), (3, 4, 5), (2, 3, 1)]))
    x = 3 + 2 * rng.standard_normal((*shape, channels))
    gamma, beta = rng.standard_normal((2, channels))
    return Call("batchnorm", {"x": x, "gamma": gamma, "beta": beta}, {"eps": draw(st.sampled_from([1e-5, 1e-3]))})


@st.composite
def batchnorm_inference(draw):
    call = draw(batchnorm())
    rng, channels = draw(generators), len(call.arguments["gamma"])
    call = call.replaced(mean=rng.standard_normal(channels), var=rng.uniform(0.1, 2, channels))
    return replace(call, name="batchnorm_inference")


@st.composite
def dropout(draw, name):
    x = images(draw, draw(generators), draw(sizes))
    return Call(name, {"x": x, "rate": draw(st.sampled_from([0.0, 0.25, 0.5, 0.9])), "rng": draw(generators)})


@st.composite
def dense(draw):
    rng, (batch, inputs, outputs) = draw(generators), draw(st.tuples(sizes, sizes, sizes))
    arguments = {"x": rng.standard_normal((batch, inputs)), "w": rng.standard_normal((inputs, outputs))}
    if draw(st.booleans()):
        arguments["b"] = rng.standard_normal(outputs)
    return Call("dense", arguments)


@st.composite
def softmax_cross_entropy(draw):
    rng, batch, classes = draw(generators), draw(sizes), draw(st.integers(2, 5))
    logits = draw(st.sampled_from([1, 100])) * rng.standard_normal((batch, classes))
    weights = rng.uniform(0.5, 2, classes) if draw(st.booleans()) else None
    options = {"label_smoothing": draw(st.sampled_from([0.0, 0.1, 1.0])), "class_weights": weights}
    return Call("softmax_cross_entropy", {"logits": logits, "labels": rng.integers(0, classes, batch)}, options)


@st.composite
def binary_cross_entropy(draw):
    rng, shape = draw(generators), (draw(sizes), *draw(st.sampled_from([(), (1,)])))
    logits = draw(st.sampled_from([1, 100])) * rng.standard_normal(shape)
    return Call("binary_cross_entropy", {"logits": logits, "labels": rng.integers(0, 2, shape)})


@st.composite
def mean_squared_error(draw):
    prediction, target = draw(generators).standard_normal((2, draw(sizes), draw(sizes)))
    return Call("mean_squared_error", {"prediction": prediction, "target": target})


CALLS = {
    "conv2d": conv2d(),
    "max_pool2d": pool2d("max_pool2d"),
    "avg_pool2d": pool2d("avg_pool2d"),
    "global_avg_pool2d": images_only("global_avg_pool2d"),
    "flatten": any_shape("flatten"),
    "relu": any_shape("relu"),
    "leaky_relu": leaky_relu(),
    "sigmoid": any_shape("sigmoid"),
    "tanh": any_shape("tanh"),
    "softmax": any_shape("softmax"),
    "batchnorm": batchnorm(),
    "batchnorm_inference": batchnorm_inference(),
    "dropout": dropout("dropout"),
    "spatial_dropout2d": dropout("spatial_dropout2d"),
    "dense": dense(),
    "softmax_cross_entropy": softmax_cross_entropy(),
    "binary_cross_entropy": binary_cross_entropy(),
    "mean_squared_error": mean_squared_error(),
}
