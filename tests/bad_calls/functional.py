"""The pure pairs of functions."""

import numpy as np

from minicnn import functional

from .row import Bad

IMAGES = np.ones((2, 4, 4, 2), np.float32)
ROWS_OF_4 = np.ones((2, 4), np.float32)
KERNEL = np.ones((3, 3, 2, 5), np.float32)
C2 = np.ones(2, np.float32)
PAIRS = {
    "conv2d": (IMAGES, KERNEL),
    "max_pool2d": (IMAGES,),
    "avg_pool2d": (IMAGES,),
    "global_avg_pool2d": (IMAGES,),
    "batchnorm": (IMAGES, C2, C2),
    "batchnorm_inference": (IMAGES, C2, C2, C2, C2),
    "dropout": (IMAGES, 0.5, np.random.default_rng(0)),
    "spatial_dropout2d": (IMAGES, 0.5, np.random.default_rng(0)),
    "dense": (ROWS_OF_4, np.ones((4, 3), np.float32)),
    "flatten": (IMAGES,),
    "relu": (IMAGES,),
    "leaky_relu": (IMAGES,),
    "sigmoid": (IMAGES,),
    "tanh": (IMAGES,),
    "softmax": (IMAGES,),
}
LOSSES = {
    "softmax_cross_entropy": (ROWS_OF_4, np.zeros(2, int)),
    "binary_cross_entropy": (np.ones(2, np.float32), np.ones(2)),
    "mean_squared_error": (ROWS_OF_4, ROWS_OF_4),
}


def forward(name, *changed):
    """Call NAME_forward with the first arguments replaced by `changed`."""
    arguments = {**PAIRS, **LOSSES}[name]
    return getattr(functional, f"{name}_forward")(*changed, *arguments[len(changed) :])


def backward(name, dy, cache=...):
    """Call NAME_backward after a good forward pass, or with another cache."""
    if cache is ...:
        cache = forward(name)[1]
    return getattr(functional, f"{name}_backward")(dy, cache)


SAME = "one dtype"
ROWS = [
    *(
        Bad(f"{name}_forward: x a list", lambda t, n=name: forward(n, [[1.0]]), TypeError, "x", "list", "asarray")
        for name in PAIRS
    ),
    *(
        Bad(
            f"{name}_forward: x of int",
            lambda t, n=name: forward(n, IMAGES.astype(int)),
            TypeError,
            "x",
            "int64",
            "asarray",
        )
        for name in PAIRS
    ),
    *(
        Bad(
            f"{name}_backward: no array",
            lambda t, n=name: backward(n, 1.0),
            TypeError,
            "dy",
            "float",
            "array of float32",
        )
        for name in PAIRS
    ),
    *(
        Bad(
            f"{name}_backward: cache None",
            lambda t, n=name: backward(n, IMAGES, None),
            TypeError,
            "cache",
            "NoneType",
            f"{name}_forward",
        )
        for name in [*PAIRS, *LOSSES]
    ),
    *(
        Bad(f"{name}_backward: dy text", lambda t, n=name: backward(n, "1"), TypeError, "dy", "'1'", "number")
        for name in LOSSES
    ),
    Bad("conv2d: two axes", lambda t: forward("conv2d", ROWS_OF_4), ValueError, "x", "(2, 4)", "(N, H, W, C)"),
    Bad("conv2d: kernel None", lambda t: forward("conv2d", IMAGES, None), TypeError, "w", "NoneType", "asarray"),
    Bad(
        "conv2d: kernel of 3 axes",
        lambda t: forward("conv2d", IMAGES, KERNEL[0]),
        ValueError,
        "w",
        "(3, 2, 5)",
        "(KH, KW, C / groups, F)",
    ),
    Bad(
        "conv2d: dtypes",
        lambda t: forward("conv2d", IMAGES.astype("f8")),
        TypeError,
        "x is float64",
        "w is float32",
        SAME,
    ),
    Bad("conv2d: bias a list", lambda t: forward("conv2d", IMAGES, KERNEL, [0.0] * 5), TypeError, "b", "list", "array"),
    Bad("conv2d: bias shape", lambda t: forward("conv2d", IMAGES, KERNEL, C2), ValueError, "b", "(2,)", "(5,)"),
    Bad(
        "conv2d: channels",
        lambda t: forward("conv2d", IMAGES[..., :1]),
        ValueError,
        "w",
        "(3, 3, 2, 5)",
        "images of 1 channels",
    ),
    Bad(
        "conv2d: groups",
        lambda t: functional.conv2d_forward(IMAGES, KERNEL, groups=2),
        ValueError,
        "groups",
        "groups=2",
        "divide",
    ),
    Bad(
        "conv2d: groups True",
        lambda t: functional.conv2d_forward(IMAGES, KERNEL, groups=True),
        ValueError,
        "groups",
        "True",
        "divide",
    ),
    Bad(
        "conv2d: stride 0",
        lambda t: functional.conv2d_forward(IMAGES, KERNEL, stride=0),
        ValueError,
        "stride",
        "0",
        "at least 1",
    ),
    Bad(
        "conv2d: padding 1.5",
        lambda t: functional.conv2d_forward(IMAGES, KERNEL, padding=1.5),
        ValueError,
        "padding",
        "1.5",
        "same",
    ),
    Bad(
        "conv2d: huge dilation",
        lambda t: functional.conv2d_forward(IMAGES, KERNEL, dilation=10**9),
        ValueError,
        "images",
        "4x4",
        "smaller kernel",
    ),
    Bad(
        "conv2d: small images", lambda t: forward("conv2d", IMAGES[:, :1]), ValueError, "images", "1x4", "at least 3x3"
    ),
    Bad(
        "conv2d_backward: shape", lambda t: backward("conv2d", IMAGES), ValueError, "dy", "(2, 4, 4, 2)", "(2, 2, 2, 5)"
    ),
    Bad(
        "conv2d_backward: cache of another",
        lambda t: backward("conv2d", IMAGES, forward("dense")[1]),
        TypeError,
        "cache",
        "DenseCache",
        "conv2d_forward",
    ),
    Bad(
        "conv2d_backward: swapped",
        lambda t: functional.conv2d_backward(forward("conv2d")[1], IMAGES),
        TypeError,
        "cache",
        "ndarray",
        "conv2d_forward",
    ),
    Bad("dense: three axes", lambda t: forward("dense", IMAGES), ValueError, "x", "(2, 4, 4, 2)", "(N, in)"),
    Bad("dense: inner sizes", lambda t: forward("dense", ROWS_OF_4[:, :3]), ValueError, "x", "(2, 3)", "rows"),
    Bad(
        "dense: bias shape",
        lambda t: forward("dense", ROWS_OF_4, np.ones((4, 3), "f4"), C2),
        ValueError,
        "b",
        "(2,)",
        "(3,)",
    ),
    Bad(
        "dense: bias a number",
        lambda t: forward("dense", ROWS_OF_4, np.ones((4, 3), "f4"), 0.0),
        TypeError,
        "b",
        "float",
        "array",
    ),
    Bad(
        "max_pool2d: size 0",
        lambda t: functional.max_pool2d_forward(IMAGES, pool_size=0),
        ValueError,
        "pool_size",
        "0",
        "at least 1",
    ),
    Bad(
        "max_pool2d: size None",
        lambda t: functional.max_pool2d_forward(IMAGES, pool_size=None),
        ValueError,
        "pool_size",
        "None",
        "an int",
    ),
    Bad(
        "avg_pool2d: padding",
        lambda t: functional.avg_pool2d_forward(IMAGES, padding=5),
        ValueError,
        "padding",
        "((5, 5), (5, 5))",
        "smaller",
    ),
    Bad(
        "batchnorm: gamma a list",
        lambda t: forward("batchnorm", IMAGES, [1.0, 1.0]),
        TypeError,
        "gamma",
        "list",
        "array",
    ),
    Bad(
        "batchnorm: gamma shape",
        lambda t: forward("batchnorm", IMAGES, np.ones(3, "f4")),
        ValueError,
        "gamma",
        "(3,)",
        "(2,)",
    ),
    Bad(
        "batchnorm: beta None",
        lambda t: functional.batchnorm_forward(IMAGES, C2, None),
        TypeError,
        "beta",
        "NoneType",
        "array",
    ),
    Bad(
        "batchnorm: eps negative",
        lambda t: functional.batchnorm_forward(IMAGES, C2, C2, eps=-1),
        ValueError,
        "eps",
        "-1",
        "0 <= eps",
    ),
    Bad(
        "batchnorm: eps text",
        lambda t: functional.batchnorm_forward(IMAGES, C2, C2, eps="small"),
        TypeError,
        "eps",
        "'small'",
        "number",
    ),
    Bad(
        "batchnorm: one row",
        lambda t: forward("batchnorm", IMAGES[:1, 0, 0]),
        ValueError,
        "x",
        "(1, 2)",
        "larger batch",
    ),
    Bad("batchnorm: three axes", lambda t: forward("batchnorm", IMAGES[0]), ValueError, "x", "(4, 4, 2)", "(N, C)"),
    Bad(
        "batchnorm_inference: mean",
        lambda t: forward("batchnorm_inference", IMAGES, C2, C2, [0, 0]),
        TypeError,
        "mean",
        "list",
        "array",
    ),
    Bad(
        "batchnorm_inference: var",
        lambda t: forward("batchnorm_inference", IMAGES, C2, C2, C2, -C2),
        ValueError,
        "var",
        "-1",
        "at least 0",
    ),
    Bad("dropout: rate 1", lambda t: forward("dropout", IMAGES, 1), ValueError, "rate", "1", "rate < 1"),
    Bad("dropout: rng a seed", lambda t: forward("dropout", IMAGES, 0.5, 0), TypeError, "rng", "0", "default_rng"),
    Bad("dropout: rng None", lambda t: forward("dropout", IMAGES, 0.5, None), TypeError, "rng", "None", "default_rng"),
    Bad(
        "spatial_dropout2d: vectors",
        lambda t: forward("spatial_dropout2d", ROWS_OF_4),
        ValueError,
        "x",
        "(2, 4)",
        "(N, H, W, C)",
    ),
    Bad(
        "leaky_relu: slope text",
        lambda t: functional.leaky_relu_forward(IMAGES, negative_slope="a"),
        TypeError,
        "negative_slope",
        "'a'",
        "number",
    ),
    Bad(
        "leaky_relu: slope NaN",
        lambda t: functional.leaky_relu_forward(IMAGES, negative_slope=np.nan),
        ValueError,
        "negative_slope",
        "nan",
        "finite",
    ),
    Bad(
        "softmax: a bare number",
        lambda t: functional.softmax_forward(np.array(1.0)),
        ValueError,
        "x",
        "()",
        "at least one",
    ),
    Bad(
        "flatten: a bare number", lambda t: functional.flatten_forward(np.array(1.0)), ValueError, "x", "()", "(N, ...)"
    ),
    Bad(
        "unknown pair",
        lambda t: functional.conv3d_forward(IMAGES),
        AttributeError,
        "conv3d_forward",
        "no attribute",
        "functional",
    ),
]
