"""The gradient checker, and the commands."""

from pathlib import Path

import numpy as np

from minicnn import Dense, SoftmaxCrossEntropy, gradcheck

from .row import Bad, RefusedError, command

PAIR = f"{Path(__file__).with_name('pair.py')}:forward,backward"
X = np.arange(1.0, 7.0).reshape(2, 3)


def forward(x):
    return x * x, x


def backward(dy, cache):
    return 2 * cache * dy


def check(f=forward, b=backward, arguments=(X,), **options):
    return gradcheck.check(f, b, arguments, **options)


def wrong(dy, cache):
    return cache * dy


STEPS = {"y": lambda x: x * x}
CHECK = [
    Bad("check: forward None", lambda t: check(None), TypeError, "forward", "None", "function"),
    Bad("check: backward None", lambda t: check(b=None), TypeError, "backward", "None", "function"),
    Bad(
        "check: forward without a cache",
        lambda t: check(lambda x: x),
        TypeError,
        "forward",
        "array of float64",
        "(y, cache)",
    ),
    Bad("check: whole output", lambda t: check(lambda x: (x.astype(int), x)), TypeError, "y", "int64", "floats"),
    Bad("check: whole argument", lambda t: check(arguments=(np.arange(3),)), TypeError, "argument", "int64", "floats"),
    Bad("check: no argument", lambda t: check(arguments=()), TypeError, "argument", "none", "floats"),
    Bad("check: arguments None", lambda t: check(arguments=None), TypeError, "arguments", "None", "tuple"),
    Bad("check: arguments a number", lambda t: check(arguments=3), TypeError, "arguments", "3", "tuple"),
    Bad("check: NaN", lambda t: check(arguments=(X * np.nan,)), ValueError, "x", "6 NaN", "holds"),
    Bad(
        "check: backward of nothing",
        lambda t: check(b=lambda dy, c: None),
        ValueError,
        "backward",
        "None",
        "Return the gradient",
    ),
    Bad(
        "check: backward of two",
        lambda t: check(b=lambda dy, c: (dy, dy)),
        ValueError,
        "backward",
        "2 gradients",
        "expected 1",
    ),
    Bad("check: backward of text", lambda t: check(b=lambda dy, c: "dx"), TypeError, "x", "'dx'", "array of numbers"),
    Bad("check: tolerance 0", lambda t: check(tolerance=0), ValueError, "tolerance", "0", "0 < tolerance"),
    Bad("check: tolerance text", lambda t: check(tolerance="1e-7"), TypeError, "tolerance", "'1e-7'", "number"),
    Bad(
        "check: tolerance NaN", lambda t: check(tolerance=float("nan")), ValueError, "tolerance", "nan", "0 < tolerance"
    ),
    Bad("check: evaluations 0", lambda t: check(max_evaluations=0), ValueError, "max_evaluations", "0", "whole number"),
    Bad(
        "check: evaluations None",
        lambda t: check(max_evaluations=None),
        TypeError,
        "max_evaluations",
        "None",
        "whole number",
    ),
    Bad("check: seed negative", lambda t: check(seed=-1), ValueError, "seed", "-1", "whole number"),
    Bad("check: seed text", lambda t: check(seed="a"), TypeError, "seed", "'a'", "whole number"),
    Bad(
        "check: names too many",
        lambda t: check(names=["x", "w"]),
        ValueError,
        "names",
        "['x', 'w']",
        "one name for each",
    ),
    Bad("check: rng a seed", lambda t: check(rng=0), TypeError, "rng", "0", "default_rng"),
    Bad("check: hints a number", lambda t: check(hints=3), ValueError, "hints", "3", '"conv2d"'),
    Bad("check_layer: None", lambda t: gradcheck.check_layer(None, X), TypeError, "layer", "None", "forward"),
    Bad("check_layer: a class", lambda t: gradcheck.check_layer(Dense, X), TypeError, "layer", "Dense", "Dense(...)"),
    Bad(
        "check_layer: x text", lambda t: gradcheck.check_layer(Dense(2), "x"), TypeError, "x", "<U1", "array of floats"
    ),
    Bad(
        "check_layer: x of int",
        lambda t: gradcheck.check_layer(Dense(2), X.astype(int)),
        TypeError,
        "x",
        "int64",
        "array of floats",
    ),
    Bad(
        "check_layer: shape",
        lambda t: gradcheck.check_layer(Dense(2), X[None]),
        ValueError,
        "inputs",
        "(2, 3)",
        "Flatten",
    ),
    Bad("check_loss: None", lambda t: gradcheck.check_loss(None, X, [0, 1]), TypeError, "loss", "None", "forward"),
    Bad(
        "check_loss: labels",
        lambda t: gradcheck.check_loss(SoftmaxCrossEntropy(), X, [0, 3]),
        ValueError,
        "abels",
        "0 to 3",
        "from 0 to 2",
    ),
    Bad(
        "check_model: None",
        lambda t: gradcheck.check_model(None, X, [0, 1], t.loss),
        TypeError,
        "model",
        "None",
        "forward",
    ),
    Bad(
        "check_model: loss None",
        lambda t: gradcheck.check_model(t.model, t.x, t.labels, None),
        TypeError,
        "loss",
        "None",
        "forward",
    ),
    Bad(
        "check_model: labels",
        lambda t: gradcheck.check_model(t.model, t.x, t.labels[:2], t.loss),
        ValueError,
        "abels",
        "(2,)",
        "(8, 3)",
    ),
    Bad(
        "check_closure: f None",
        lambda t: gradcheck.check_closure(None, lambda x, dy: dy, X),
        TypeError,
        "f",
        "None",
        "function",
    ),
    Bad(
        "check_closure: x None",
        lambda t: gradcheck.check_closure(np.sin, np.cos, None),
        TypeError,
        "x",
        "None",
        "array",
    ),
    Bad("trace: forward None", lambda t: gradcheck.trace(None, {}, {"x": X}), TypeError, "forward", "None", "steps"),
    Bad(
        "trace: backward None",
        lambda t: gradcheck.trace(STEPS, None, {"x": X}),
        TypeError,
        "backward",
        "None",
        "function",
    ),
    Bad("trace: no step", lambda t: gradcheck.trace({}, {}, {"x": X}), ValueError, "forward", "no step", "step"),
    Bad(
        "trace: backward an array",
        lambda t: gradcheck.trace(STEPS, lambda dy, c: dy, {"x": X}),
        TypeError,
        "backward",
        "array",
        "dict",
    ),
    Bad(
        "trace: unknown value",
        lambda t: gradcheck.trace(STEPS, lambda dy, c: {"z": dy}, {"x": X}),
        ValueError,
        "z",
        "backward",
        "value",
    ),
    Bad(
        "trace: arguments None",
        lambda t: gradcheck.trace(STEPS, lambda dy, c: {"x": dy}, None),
        TypeError,
        "arguments",
        "None",
        "dictionary",
    ),
    Bad(
        "assert_gradients: wrong",
        lambda t: gradcheck.assert_gradients(forward, wrong, (X,)),
        gradcheck.GradientError,
        "x",
        "5.0e-01",
        "factor",
    ),
]

COMMANDS = [
    Bad("minicnn", lambda t: command(), RefusedError, "COMMAND", "required", "usage"),
    Bad("minicnn fly", lambda t: command("fly"), RefusedError, "COMMAND", "'fly'", "choose from"),
    Bad("minicnn --fast", lambda t: command("--fast"), RefusedError, "COMMAND", "required", "usage"),
    Bad(
        "lesson --epochs 0", lambda t: command("lesson", "--epochs", "0"), RefusedError, "--epochs", "'0'", "at least 1"
    ),
    Bad(
        "lesson --seeds a", lambda t: command("lesson", "--seeds", "a"), RefusedError, "--seeds", "'a'", "whole number"
    ),
    Bad(
        "lesson --data no",
        lambda t: command("lesson", "--data", "no"),
        RefusedError,
        "data set",
        "'no'",
        "Known data sets",
    ),
    Bad("lesson --arms best", lambda t: command("lesson", "--arms", "best"), RefusedError, "--arms", "'best'", "plain"),
    Bad(
        "lesson --threads 0",
        lambda t: command("lesson", "--threads", "0"),
        RefusedError,
        "--threads",
        "'0'",
        "at least 1",
    ),
    Bad(
        "gradcheck no.py", lambda t: command("gradcheck", "no.py"), RefusedError, "FILE.py:forward", "'no.py'", "takes"
    ),
    Bad(
        "gradcheck no.py:f,b",
        lambda t: command("gradcheck", "no.py:f,b", "--input", "x=normal(3)"),
        RefusedError,
        "no.py",
        "no file",
        "no.py",
    ),
    Bad(
        "gradcheck --input x",
        lambda t: command("gradcheck", PAIR, "--input", "x"),
        RefusedError,
        "input",
        "'x'",
        "NAME=VALUE",
    ),
    Bad(
        "gradcheck --input code",
        lambda t: command("gradcheck", PAIR, "--input", "x=exit()"),
        RefusedError,
        "x=exit()",
        "no value",
        "normal(4, 5)",
    ),
    Bad(
        "gradcheck --input huge",
        lambda t: command("gradcheck", PAIR, "--input", "x=ones(99999, 99999)"),
        RefusedError,
        "x=ones",
        "too large",
        "normal(4, 5)",
    ),
    Bad("exercises", lambda t: command("exercises"), RefusedError, "PART", "check", "usage"),
    Bad("exercises pass", lambda t: command("exercises", "pass"), RefusedError, "PART", "'pass'", "choose from"),
    Bad(
        "exercises check nowhere",
        lambda t: command("exercises", "check", "--folder", str(t.folder)),
        RefusedError,
        "exercises",
        "no exercises",
        "exercises start",
    ),
    Bad(
        "exercises start over a file",
        lambda t: command("exercises", "start", __file__),
        RefusedError,
        "gradcheck.py",
        "File exists",
        "cannot write",
    ),
    Bad("bench --parts x", lambda t: command("bench", "--parts", "x"), RefusedError, "--parts", "'x'", "networks"),
]

ROWS = [*CHECK, *COMMANDS]
