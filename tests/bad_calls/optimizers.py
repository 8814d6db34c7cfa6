"""Optimizers, schedules and initializers."""

import numpy as np

from minicnn import SGD, Adam, AdamW, Dense, RMSProp, Sequential, initializers, schedules

from .row import Bad


def fresh():
    return Sequential([Dense(3)], input_shape=(4,))


def one(param=None, grad=None):
    """Step on one parameter."""
    param = np.ones(2, np.float32) if param is None else param
    SGD(0.1).step({"w": param}, {"w": np.ones(2, np.float32) if grad is None else grad})


def read_only():
    array = np.ones(2, np.float32)
    array.flags.writeable = False
    return array


def set_rate(optimizer, value):
    optimizer.learning_rate = value


NUMBER = "finite number"
OPTIMIZERS = [
    *(
        Bad(
            f"{kind.__name__}: learning rate {value}",
            lambda t, k=kind, v=value: k(v),
            error,
            "learning_rate",
            repr(value),
            NUMBER,
        )
        for kind in (SGD, RMSProp, Adam, AdamW)
        for value, error in (
            (0, ValueError),
            (-0.1, ValueError),
            (float("nan"), ValueError),
            ("0.1", TypeError),
            (None, TypeError),
        )
    ),
    Bad("SGD: momentum 1", lambda t: SGD(0.1, momentum=1), ValueError, "momentum", "1", "momentum < 1"),
    Bad("SGD: momentum negative", lambda t: SGD(0.1, momentum=-0.9), ValueError, "momentum", "-0.9", "0 <= momentum"),
    Bad("SGD: nesterov alone", lambda t: SGD(0.1, nesterov=True), ValueError, "momentum", "momentum=0", "0.9"),
    Bad("SGD: nesterov text", lambda t: SGD(0.1, 0.9, nesterov="no"), TypeError, "nesterov", "'no'", "True or False"),
    Bad(
        "SGD: decay negative",
        lambda t: SGD(0.1, weight_decay=-1),
        ValueError,
        "weight_decay",
        "-1",
        "0 <= weight_decay",
    ),
    Bad("SGD: rate infinite", lambda t: SGD(float("inf")), ValueError, "learning_rate", "inf", NUMBER),
    Bad("SGD: rate True", lambda t: SGD(True), TypeError, "learning_rate", "True", NUMBER),
    Bad("RMSProp: rho 1", lambda t: RMSProp(rho=1.0), ValueError, "rho", "1.0", "rho < 1"),
    Bad("RMSProp: eps 0", lambda t: RMSProp(eps=0), ValueError, "eps", "0", "0 < eps"),
    Bad("Adam: beta1 2", lambda t: Adam(beta1=2), ValueError, "beta1", "2", "beta1 < 1"),
    Bad("Adam: beta2 a list", lambda t: Adam(beta2=[0.9]), TypeError, "beta2", "[0.9]", NUMBER),
    Bad("AdamW: eps negative", lambda t: AdamW(eps=-1e-8), ValueError, "eps", "-1e-08", "0 < eps"),
    Bad("AdamW: decay NaN", lambda t: AdamW(weight_decay=float("nan")), ValueError, "weight_decay", "nan", NUMBER),
    Bad("learning rate set negative", lambda t: set_rate(t.optimizer, -1), ValueError, "learning_rate", "-1", NUMBER),
    Bad("learning rate set to text", lambda t: set_rate(t.optimizer, "1"), TypeError, "learning_rate", "'1'", NUMBER),
    Bad(
        "step before backward",
        lambda t: SGD(0.1).step(fresh().params, fresh().grads),
        ValueError,
        "gradient",
        "dense_1.w",
        "model.backward",
    ),
    Bad(
        "step: grads None", lambda t: t.optimizer.step(t.model.params, None), TypeError, "grads", "None", "model.grads"
    ),
    Bad(
        "step: params None",
        lambda t: t.optimizer.step(None, t.model.grads),
        TypeError,
        "params",
        "None",
        "model.params",
    ),
    Bad(
        "step: the model",
        lambda t: t.optimizer.step(t.model, t.model.grads),
        TypeError,
        "params",
        "Sequential",
        "model.params",
    ),
    Bad("step: a list", lambda t: t.optimizer.step([1.0], [1.0]), TypeError, "params", "[1.0]", "model.params"),
    Bad(
        "step: unknown gradient",
        lambda t: t.optimizer.step({}, {"w": np.ones(2)}),
        ValueError,
        "gradients",
        "w",
        "unknown parameters",
    ),
    Bad(
        "step: another model",
        lambda t: t.optimizer.step({"dense_1.w": np.ones(2)}, {"dense_1.w": np.ones(2)}),
        ValueError,
        "dense_1.w",
        "(2,)",
        "new SGD",
    ),
    Bad(
        "step: gradient None",
        lambda t: SGD(1).step({"w": np.ones(2)}, {"w": None}),
        ValueError,
        "gradient",
        "w",
        "model.backward",
    ),
    Bad("step: gradient a list", lambda t: one(grad=[1.0, 1.0]), TypeError, "gradient", "list", "array"),
    Bad("step: gradient shape", lambda t: one(grad=np.ones(3, "f4")), ValueError, "gradient", "(3,)", "alike"),
    Bad("step: gradient dtype", lambda t: one(grad=np.ones(2)), ValueError, "gradient", "float64", "alike"),
    Bad("step: parameter a list", lambda t: one([1.0, 1.0]), TypeError, "w", "list", "writable arrays"),
    Bad("step: parameter of int", lambda t: one(np.ones(2, int)), TypeError, "w", "int64", "writable arrays"),
    Bad("step: parameter read-only", lambda t: one(read_only()), TypeError, "w", "read-only", "writable arrays"),
]

SCHEDULES = [
    Bad("StepDecay: initial 0", lambda t: schedules.StepDecay(0), ValueError, "initial", "0", "0 < initial"),
    Bad("StepDecay: factor 2", lambda t: schedules.StepDecay(0.1, factor=2), ValueError, "factor", "2", "factor <= 1"),
    Bad("StepDecay: every 0", lambda t: schedules.StepDecay(0.1, every=0), ValueError, "every", "0", "0 < every"),
    Bad("CosineDecay: epochs None", lambda t: schedules.CosineDecay(0.1, None), TypeError, "epochs", "None", NUMBER),
    Bad(
        "CosineDecay: rises", lambda t: schedules.CosineDecay(0.1, 5, final=1), ValueError, "final", "1", "final <= 0.1"
    ),
    Bad(
        "WarmupCosine: too short",
        lambda t: schedules.WarmupCosine(0.1, 2, warmup_epochs=3),
        ValueError,
        "epochs",
        "2",
        "3 < epochs",
    ),
    Bad("WarmupCosine: peak text", lambda t: schedules.WarmupCosine("0.1", 2), TypeError, "peak", "'0.1'", NUMBER),
    Bad(
        "OneCycle: peak_at 1",
        lambda t: schedules.OneCycle(0.1, 5, peak_at=1),
        ValueError,
        "peak_at",
        "1",
        "peak_at < 1",
    ),
    Bad("OneCycle: fall 0", lambda t: schedules.OneCycle(0.1, 5, fall=0), ValueError, "fall", "0", "1 <= fall"),
    *(
        Bad(f"{schedule!r} at {epoch!r}", lambda t, s=schedule, e=epoch: s(e), error, "epoch", repr(epoch), NUMBER)
        for schedule in (
            schedules.StepDecay(0.1),
            schedules.CosineDecay(0.1, 5),
            schedules.WarmupCosine(0.1, 5),
            schedules.OneCycle(0.1, 5),
        )
        for epoch, error in ((float("nan"), ValueError), (-1, ValueError), ("1", TypeError))
    ),
]

RNG = np.random.default_rng(0)
DRAWN = (
    initializers.he_normal,
    initializers.he_uniform,
    initializers.glorot_normal,
    initializers.glorot_uniform,
    initializers.lecun_normal,
    initializers.lecun_uniform,
)
INITIALIZERS = [
    Bad("get: unknown", lambda t: initializers.get("xavier"), ValueError, "initializer", "xavier", "Choose one of"),
    Bad("get: None", lambda t: initializers.get(None), TypeError, "initializer", "None", "a name or a function"),
    Bad(
        "get: constant(abc)",
        lambda t: initializers.get("constant(abc)"),
        ValueError,
        "initializer",
        "constant(abc)",
        "constant(0.1)",
    ),
    Bad(
        "get: constant(nan)",
        lambda t: initializers.get("constant(nan)"),
        ValueError,
        "initializer",
        "constant(nan)",
        "constant(0.1)",
    ),
    Bad("constant: text", lambda t: initializers.constant("a"), TypeError, "value", "'a'", NUMBER),
    Bad("constant: infinity", lambda t: initializers.constant(float("inf")), ValueError, "value", "inf", NUMBER),
    Bad("fans: a bias", lambda t: initializers.fans((3,)), ValueError, "shape", "(3,)", "zeros"),
    *(Bad(f"{f.__name__}: a bias", lambda t, f=f: f((3,), RNG), ValueError, "shape", "(3,)", "zeros") for f in DRAWN),
    *(
        Bad(f"{f.__name__}: rng a seed", lambda t, f=f: f((3, 2), 0), TypeError, "rng", "0", "default_rng")
        for f in DRAWN
    ),
    Bad("he_normal: empty", lambda t: initializers.he_normal((0, 3), RNG), ValueError, "shape", "(0, 3)", "above 0"),
    Bad(
        "he_normal: negative", lambda t: initializers.he_normal((-2, 3), RNG), ValueError, "shape", "(-2, 3)", "above 0"
    ),
    Bad("he_normal: text", lambda t: initializers.he_normal("ab", RNG), ValueError, "shape", "'ab'", "above 0"),
    Bad(
        "he_normal: whole dtype",
        lambda t: initializers.he_normal((2, 3), RNG, "int8"),
        TypeError,
        "dtype",
        "'int8'",
        "float32",
    ),
    Bad("zeros: negative", lambda t: initializers.zeros((-1,)), ValueError, "shape", "(-1,)", "above 0"),
    Bad("ones: unknown dtype", lambda t: initializers.ones((1,), None, "big"), TypeError, "dtype", "'big'", "float32"),
]

ROWS = [*OPTIMIZERS, *SCHEDULES, *INITIALIZERS]
