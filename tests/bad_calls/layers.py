"""Layers: their constructors, `build`, `forward` and `backward`, and how they are put together."""

import numpy as np

from minicnn import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SpatialDropout2D,
    Tanh,
)
from minicnn.layers.layer import NotReadyError

from .row import Bad


def built(layer, shape=(6, 6, 1), **more):
    layer.build(shape, **more)
    return layer


def wrong_shape(shape, rng, dtype):
    return np.zeros((2, 2), dtype)


def no_array(shape, rng, dtype):
    return None


def of_nan(shape, rng, dtype):
    return np.full(shape, np.nan, dtype)


X = np.ones((2, 6, 6, 1), np.float32)
WHOLE = "whole number"

CONSTRUCTORS = [
    Bad("Conv2D: no filters", lambda t: Conv2D(0, 3), ValueError, "filters", "0", WHOLE),
    Bad("Conv2D: negative filters", lambda t: Conv2D(-4, 3), ValueError, "filters", "-4", WHOLE),
    Bad("Conv2D: filters as text", lambda t: Conv2D("8", 3), TypeError, "filters", "'8'", WHOLE),
    Bad("Conv2D: half a filter", lambda t: Conv2D(8.5, 3), TypeError, "filters", "8.5", WHOLE),
    Bad("Conv2D: filters None", lambda t: Conv2D(None, 3), TypeError, "filters", "None", WHOLE),
    Bad("Conv2D: filters True", lambda t: Conv2D(True, 3), TypeError, "filters", "True", WHOLE),
    Bad("Conv2D: kernel of 0", lambda t: Conv2D(8, 0), ValueError, "kernel_size", "0", "at least 1"),
    Bad("Conv2D: kernel of three", lambda t: Conv2D(8, (3, 3, 3)), ValueError, "kernel_size", "(3, 3, 3)", "pair"),
    Bad("Conv2D: kernel as float", lambda t: Conv2D(8, 3.0), ValueError, "kernel_size", "3.0", "an int"),
    Bad("Conv2D: kernel None", lambda t: Conv2D(8, None), ValueError, "kernel_size", "None", "an int"),
    Bad("Conv2D: stride 0", lambda t: Conv2D(8, 3, stride=0), ValueError, "stride", "0", "at least 1"),
    Bad("Conv2D: stride as text", lambda t: Conv2D(8, 3, stride="2"), ValueError, "stride", "'2'", "an int"),
    Bad("Conv2D: stride negative", lambda t: Conv2D(8, 3, stride=(1, -1)), ValueError, "stride", "(1, -1)", "pair"),
    Bad("Conv2D: unknown padding", lambda t: Conv2D(8, 3, padding="full"), ValueError, "padding", "'full'", '"same"'),
    Bad("Conv2D: padding negative", lambda t: Conv2D(8, 3, padding=-1), ValueError, "padding", "-1", "at least 0"),
    Bad("Conv2D: padding None", lambda t: Conv2D(8, 3, padding=None), ValueError, "padding", "None", '"same"'),
    Bad("Conv2D: padding array", lambda t: Conv2D(8, 3, padding=np.ones(3)), ValueError, "padding", "array", '"same"'),
    Bad("Conv2D: dilation 0", lambda t: Conv2D(8, 3, dilation=0), ValueError, "dilation", "0", "at least 1"),
    Bad("Conv2D: dilation as float", lambda t: Conv2D(8, 3, dilation=1.5), ValueError, "dilation", "1.5", "an int"),
    Bad("Conv2D: no groups", lambda t: Conv2D(8, 3, groups=0), ValueError, "groups", "0", WHOLE),
    Bad("Conv2D: groups as text", lambda t: Conv2D(8, 3, groups="2"), TypeError, "groups", "'2'", WHOLE),
    Bad("Conv2D: use_bias text", lambda t: Conv2D(8, 3, use_bias="no"), TypeError, "use_bias", "'no'", "True or False"),
    Bad("Conv2D: initializer", lambda t: Conv2D(8, 3, initializer="he"), ValueError, "initializer", '"he"', "Choose"),
    Bad("Dense: no units", lambda t: Dense(0), ValueError, "units", "0", WHOLE),
    Bad("Dense: units as float", lambda t: Dense(10.0), TypeError, "units", "10.0", WHOLE),
    Bad("Dense: units NaN", lambda t: Dense(float("nan")), TypeError, "units", "nan", WHOLE),
    Bad("Dense: units as list", lambda t: Dense([10]), TypeError, "units", "[10]", WHOLE),
    Bad("Dense: use_bias None", lambda t: Dense(3, use_bias=None), TypeError, "use_bias", "None", "True or False"),
    Bad("Dense: initializer 3", lambda t: Dense(3, initializer=3), TypeError, "initializer", "3", "a name"),
    Bad("MaxPool2D: size 0", lambda t: MaxPool2D(0), ValueError, "pool_size", "0", "at least 1"),
    Bad("MaxPool2D: size as text", lambda t: MaxPool2D("2"), ValueError, "pool_size", "'2'", "an int"),
    Bad("MaxPool2D: stride 0", lambda t: MaxPool2D(2, stride=0), ValueError, "stride", "0", "at least 1"),
    Bad("MaxPool2D: padding", lambda t: MaxPool2D(2, padding="all"), ValueError, "padding", "'all'", '"same"'),
    Bad("AvgPool2D: size negative", lambda t: AvgPool2D(-2), ValueError, "pool_size", "-2", "at least 1"),
    Bad("AvgPool2D: stride pair", lambda t: AvgPool2D(2, stride=(0, 1)), ValueError, "stride", "(0, 1)", "at least 1"),
    Bad("BatchNorm: momentum 1", lambda t: BatchNorm(momentum=1), ValueError, "momentum", "1", "momentum < 1"),
    Bad("BatchNorm: momentum text", lambda t: BatchNorm("0.9"), TypeError, "momentum", "'0.9'", "number"),
    Bad("BatchNorm: eps 0", lambda t: BatchNorm(eps=0), ValueError, "eps", "0", "0 < eps"),
    Bad("BatchNorm: eps NaN", lambda t: BatchNorm(eps=float("nan")), ValueError, "eps", "nan", "finite"),
    Bad("Dropout: rate 1", lambda t: Dropout(1.0), ValueError, "rate", "1.0", "rate < 1"),
    Bad("Dropout: rate negative", lambda t: Dropout(-0.1), ValueError, "rate", "-0.1", "0 <= rate"),
    Bad("Dropout: rate per cent", lambda t: Dropout(50), ValueError, "rate", "50", "rate < 1"),
    Bad("Dropout: rate None", lambda t: Dropout(None), TypeError, "rate", "None", "number"),
    Bad("SpatialDropout2D: rate 2", lambda t: SpatialDropout2D(2), ValueError, "rate", "2", "rate < 1"),
    Bad("SpatialDropout2D: rate text", lambda t: SpatialDropout2D("a"), TypeError, "rate", "'a'", "number"),
    Bad("LeakyReLU: slope text", lambda t: LeakyReLU("small"), TypeError, "negative_slope", "'small'", "number"),
    Bad("LeakyReLU: slope inf", lambda t: LeakyReLU(float("inf")), ValueError, "negative_slope", "inf", "finite"),
]

BUILD = [
    Bad("build: a number", lambda t: ReLU().build(5), ValueError, "input_shape", "5", "such as (28, 28, 1)"),
    Bad("build: text", lambda t: ReLU().build("abc"), ValueError, "input_shape", "'abc'", "such as"),
    Bad("build: None", lambda t: Flatten().build(None), ValueError, "input_shape", "None", "such as"),
    Bad("build: an axis of 0", lambda t: Dense(3).build((0,)), ValueError, "input_shape", "(0,)", "such as"),
    Bad("build: negative axis", lambda t: Dense(3).build((-3,)), ValueError, "input_shape", "(-3,)", "such as"),
    Bad("build: rng as seed", lambda t: Dense(3).build((4,), rng=0), TypeError, "rng", "0", "default_rng"),
    Bad("build: whole dtype", lambda t: Dense(3).build((4,), dtype="int8"), TypeError, "dtype", "'int8'", '"float32"'),
    Bad("build: no dtype", lambda t: Dense(3).build((4,), dtype="big"), TypeError, "dtype", "'big'", '"float32"'),
    Bad("build: Conv2D on vectors", lambda t: Conv2D(2, 3).build((4,)), ValueError, "inputs", "(4,)", "before Flatten"),
    Bad("build: Dense on images", lambda t: Dense(2).build((4, 4, 1)), ValueError, "inputs", "(4, 4, 1)", "Flatten"),
    Bad("build: kernel too large", lambda t: Conv2D(2, 5).build((4, 4, 1)), ValueError, "images", "4x4", "smaller"),
    Bad("build: groups", lambda t: Conv2D(4, 1, groups=2).build((4, 4, 3)), ValueError, "groups", "2", "divide the 3"),
    Bad("build: pool too large", lambda t: MaxPool2D(5).build((4, 4, 1)), ValueError, "images", "4x4", "smaller"),
    Bad(
        "build: pooling of padding",
        lambda t: MaxPool2D(2, padding=2).build((4, 4, 1)),
        ValueError,
        "padding",
        "((2, 2), (2, 2))",
        "smaller than its windows",
    ),
    Bad("build: BatchNorm on 2 axes", lambda t: BatchNorm().build((4, 4)), ValueError, "inputs", "(4, 4)", "vectors"),
    Bad("build: GlobalAvgPool2D", lambda t: GlobalAvgPool2D().build((4,)), ValueError, "inputs", "(4,)", "images"),
    Bad("build: SpatialDropout2D", lambda t: SpatialDropout2D(0.1).build((4,)), ValueError, "inputs", "(4,)", "images"),
    Bad(
        "build: initializer of another shape",
        lambda t: Dense(3, initializer=wrong_shape).build((4,)),
        ValueError,
        "wrong_shape",
        "(2, 2)",
        "(4, 3)",
    ),
    Bad(
        "build: initializer of None",
        lambda t: Dense(3, initializer=no_array).build((4,)),
        TypeError,
        "no_array",
        "None",
        "array",
    ),
    Bad(
        "build: initializer of NaN",
        lambda t: Dense(3, initializer=of_nan).build((4,)),
        ValueError,
        "of_nan",
        "NaN",
        "finite",
    ),
]

FORWARD = [
    *(
        Bad(
            f"{kind.__name__}.forward: a list",
            lambda t, k=kind: k().forward([[1.0]]),
            TypeError,
            "x",
            "list",
            "asarray",
        )
        for kind in (ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Flatten, GlobalAvgPool2D, MaxPool2D, AvgPool2D)
    ),
    *(
        Bad(
            f"{kind.__name__}.backward before forward",
            lambda t, k=kind: k().backward(np.ones((2, 3), np.float32)),
            NotReadyError,
            kind.__name__,
            "needs a forward pass first",
            "call forward(x)",
        )
        for kind in (ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Flatten, GlobalAvgPool2D, MaxPool2D, AvgPool2D, BatchNorm)
    ),
    Bad(
        "Dense: backward first",
        lambda t: built(Dense(3), (4,)).backward(t.dy),
        NotReadyError,
        "Dense",
        "forward",
        "call",
    ),
    Bad(
        "Conv2D: backward first",
        lambda t: built(Conv2D(2, 3)).backward(t.dy),
        NotReadyError,
        "Conv2D",
        "forward",
        "call",
    ),
    Bad("Dropout: backward first", lambda t: Dropout(0.5).backward(t.dy), NotReadyError, "Dropout", "forward", "call"),
    Bad("Dense: forward unbuilt", lambda t: Dense(3).forward(X), NotReadyError, "params", "Dense has no", "Sequential"),
    Bad(
        "Conv2D: forward unbuilt", lambda t: Conv2D(2, 3).forward(X), NotReadyError, "params", "Conv2D has no", "build"
    ),
    Bad("BatchNorm: unbuilt", lambda t: BatchNorm().forward(X), NotReadyError, "state", "BatchNorm has no", "build"),
    Bad("Dropout: unbuilt", lambda t: Dropout(0.5).forward(X, True), NotReadyError, "rng", "Dropout has no", "build"),
    Bad("Dropout: text in evaluation", lambda t: Dropout(0.5).forward("abc"), TypeError, "x", "str", "asarray"),
    Bad("Dropout: integers", lambda t: Dropout(0.5).forward(np.ones((2, 3), int)), TypeError, "x", "int64", "asarray"),
    Bad("Dense: images", lambda t: built(Dense(3), (4,)).forward(X), ValueError, "x", "(2, 6, 6, 1)", "(N, in)"),
    Bad(
        "Dense: float64", lambda t: built(Dense(3), (4,)).forward(np.ones((2, 4))), TypeError, "x", "float64", "astype"
    ),
    Bad(
        "Dense: other width", lambda t: built(Dense(3), (4,)).forward(np.ones((2, 5), "f4")), ValueError, "x", "5", "4"
    ),
    Bad("Conv2D: one image", lambda t: built(Conv2D(2, 3)).forward(X[0]), ValueError, "x", "(6, 6, 1)", "(N, H, W, C)"),
    Bad("Conv2D: bytes", lambda t: built(Conv2D(2, 3)).forward(X.astype("u1")), TypeError, "x", "uint8", "divide"),
    Bad(
        "Conv2D: channels",
        lambda t: built(Conv2D(2, 3)).forward(X.repeat(3, 3)),
        ValueError,
        "w",
        "(3, 3, 1, 2)",
        "must",
    ),
    Bad(
        "BatchNorm: one row",
        lambda t: built(BatchNorm(), (4,)).forward(np.ones((1, 4), "f4"), True),
        ValueError,
        "x",
        "(1, 4)",
        "larger batch",
    ),
    Bad(
        "BatchNorm: channels",
        lambda t: built(BatchNorm(), (4,)).forward(np.ones((2, 5), "f4")),
        ValueError,
        "gamma",
        "(4,)",
        "(5,)",
    ),
    Bad("ReLU: half precision", lambda t: ReLU().forward(np.ones(3, "f2")), TypeError, "x", "float16", "asarray"),
    Bad("ReLU: complex", lambda t: ReLU().forward(np.ones(3, complex)), TypeError, "x", "complex128", "asarray"),
    Bad(
        "Softmax: no class",
        lambda t: Softmax().forward(np.ones((2, 0), "f4")),
        ValueError,
        "x",
        "(2, 0)",
        "at least one",
    ),
    Bad("Softmax: a number", lambda t: Softmax().forward(np.float32(1)), TypeError, "x", "float32", "asarray"),
    Bad("Flatten: no axis", lambda t: Flatten().forward(np.array(1.0)), ValueError, "x", "()", "(N, ...)"),
    Bad(
        "GlobalAvgPool2D: no pixel",
        lambda t: GlobalAvgPool2D().forward(np.ones((2, 0, 3, 1))),
        ValueError,
        "x",
        "(2, 0, 3, 1)",
        "pixel",
    ),
    Bad("MaxPool2D: small images", lambda t: MaxPool2D(3).forward(X[:, :2]), ValueError, "images", "2x6", "padding"),
    Bad(
        "forward of the base",
        lambda t: __import__("minicnn").layers.Layer().forward(X),
        NotImplementedError,
        "forward",
        "Layer",
        "needs a method",
    ),
]


def after_forward(layer, dy):
    layer.forward(X, training=False)
    return layer.backward(dy)


BACKWARD = [
    *(
        Bad(
            f"{kind.__name__}.backward: another shape",
            lambda t, k=kind: after_forward(k(), np.ones((3, 3), np.float32)),
            ValueError,
            "dy",
            "(3, 3)",
            "must have the shape of y",
        )
        for kind in (ReLU, LeakyReLU, Sigmoid, Tanh, Softmax, Flatten, GlobalAvgPool2D, MaxPool2D, AvgPool2D)
    ),
    Bad(
        "ReLU.backward: float64", lambda t: after_forward(ReLU(), X.astype("f8")), TypeError, "dy", "float64", "float32"
    ),
    Bad("ReLU.backward: None", lambda t: after_forward(ReLU(), None), TypeError, "dy", "NoneType", "array of float32"),
    Bad("Flatten.backward: a list", lambda t: after_forward(Flatten(), [1.0]), TypeError, "dy", "list", "array"),
    Bad("Dropout.backward: None", lambda t: after_forward(Dropout(0.5), None), TypeError, "dy", "NoneType", "array"),
    Bad(
        "Dropout.backward: shape",
        lambda t: after_forward(Dropout(0.5), X[:1]),
        ValueError,
        "dy",
        "(1, 6, 6, 1)",
        "shape of y",
    ),
    Bad(
        "Conv2D.backward: shape",
        lambda t: after_forward(built(Conv2D(2, 3)), X),
        ValueError,
        "dy",
        "(2, 6, 6, 1)",
        "(2, 4, 4, 2)",
    ),
    Bad(
        "Dense.backward: shape",
        lambda t: t.model.layers[-1].backward(t.dy[:, :2]),
        ValueError,
        "dy",
        "(8, 2)",
        "(8, 3)",
    ),
    Bad(
        "BatchNorm.backward: shape",
        lambda t: after_forward(built(BatchNorm()), X[:, :5]),
        ValueError,
        "dy",
        "(2, 5, 6, 1)",
        "shape of y",
    ),
    Bad("unknown attribute", lambda t: Dense(3).weights, AttributeError, "weights", "Dense has no attribute", "params"),
]


def twice():
    layer = ReLU()
    return Sequential([layer, layer], input_shape=(3,))


SEQUENTIAL = [
    Bad("Sequential: no list", lambda t: Sequential(ReLU(), (3,)), TypeError, "layers", "ReLU()", "list"),
    Bad("Sequential: empty", lambda t: Sequential([], (3,)), ValueError, "layer", "none", "at least one"),
    Bad("Sequential: None", lambda t: Sequential(None, (3,)), TypeError, "layers", "None", "list"),
    Bad("Sequential: a class", lambda t: Sequential([ReLU], (3,)), TypeError, "layers", "ReLU", "Write ReLU(...)"),
    Bad("Sequential: text", lambda t: Sequential(["relu"], (3,)), TypeError, "layers", "'relu'", "Sequential takes"),
    Bad(
        "Sequential: a function", lambda t: Sequential([np.tanh], (3,)), TypeError, "layers", "tanh", "Sequential takes"
    ),
    Bad("Sequential: a layer twice", lambda t: twice(), ValueError, "ReLU()", "position 1", "make a new one"),
    Bad(
        "Sequential: another's layer",
        lambda t: Sequential(t.model.layers, (6, 6, 1)),
        ValueError,
        "Conv2D",
        "position 0",
        "make a new one",
    ),
    Bad("Sequential: shape None", lambda t: Sequential([ReLU()], None), ValueError, "input_shape", "None", "such as"),
    Bad("Sequential: shape a number", lambda t: Sequential([ReLU()], 784), ValueError, "input_shape", "784", "such as"),
    Bad("Sequential: shape empty", lambda t: Sequential([ReLU()], ()), ValueError, "input_shape", "()", "such as"),
    Bad(
        "Sequential: shape with 0",
        lambda t: Sequential([ReLU()], (3, 0)),
        ValueError,
        "input_shape",
        "(3, 0)",
        "such as",
    ),
    Bad(
        "Sequential: shape negative",
        lambda t: Sequential([ReLU()], (-1,)),
        ValueError,
        "input_shape",
        "(-1,)",
        "such as",
    ),
    Bad(
        "Sequential: shape with None",
        lambda t: Sequential([ReLU()], (None, 3)),
        ValueError,
        "input_shape",
        "None",
        "without the batch",
    ),
    Bad(
        "Sequential: shape of floats",
        lambda t: Sequential([ReLU()], (3.0,)),
        ValueError,
        "input_shape",
        "3.0",
        "such as",
    ),
    Bad(
        "Sequential: shape of bools",
        lambda t: Sequential([ReLU()], (True,)),
        ValueError,
        "input_shape",
        "True",
        "such as",
    ),
    Bad("Sequential: seed None", lambda t: Sequential([ReLU()], (3,), seed=None), TypeError, "seed", "None", WHOLE),
    Bad("Sequential: seed negative", lambda t: Sequential([ReLU()], (3,), seed=-1), ValueError, "seed", "-1", WHOLE),
    Bad("Sequential: seed as float", lambda t: Sequential([ReLU()], (3,), seed=0.5), TypeError, "seed", "0.5", WHOLE),
    Bad(
        "Sequential: dtype half",
        lambda t: Sequential([ReLU()], (3,), dtype="float16"),
        TypeError,
        "dtype",
        "float16",
        '"float32"',
    ),
    Bad(
        "Sequential: dtype unknown",
        lambda t: Sequential([ReLU()], (3,), dtype="huge"),
        TypeError,
        "dtype",
        "'huge'",
        '"float32"',
    ),
    Bad(
        "Sequential: dtype None",
        lambda t: Sequential([ReLU()], (3,), dtype=None),
        TypeError,
        "dtype",
        "None",
        '"float32"',
    ),
    Bad(
        "Sequential: order of layers",
        lambda t: Sequential([Flatten(), Conv2D(2, 3)], (6, 6, 1)),
        ValueError,
        "conv2d_1",
        "(36,)",
        "before Flatten",
    ),
    Bad(
        "Sequential: no Flatten",
        lambda t: Sequential([Conv2D(2, 3), Dense(2)], (6, 6, 1)),
        ValueError,
        "dense_1",
        "(4, 4, 2)",
        "Flatten",
    ),
    Bad(
        "Sequential: pooled away",
        lambda t: Sequential([MaxPool2D(2), MaxPool2D(2), MaxPool2D(2)], (6, 6, 1)),
        ValueError,
        "maxpool2d_3",
        "1x1",
        "one pooling layer less",
    ),
    Bad(
        "Sequential: huge layer",
        lambda t: Sequential([Dense(10**12)], (10**4,)),
        MemoryError,
        "dense_1",
        "bytes",
        "fewer",
    ),
    Bad(
        "Sequential: impossible layer",
        lambda t: Sequential([Dense(10**30)], (10,)),
        MemoryError,
        "dense_1",
        "bytes",
        "fewer",
    ),
]

ROWS = [*CONSTRUCTORS, *BUILD, *FORWARD, *BACKWARD, *SEQUENTIAL]
