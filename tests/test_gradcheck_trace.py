"""The trace finds the first wrong gradient: forward passes as steps and with a tap, mistakes planted in each line."""

import importlib
import json

import numpy as np
import pytest

from minicnn.gradcheck import GradientError, trace

BATCHNORM = {
    "mu": lambda x: x.mean(axis=0),
    "centred": lambda x, mu: x - mu,
    "var": lambda centred: (centred**2).mean(axis=0),
    "inv_std": lambda var, eps=1e-5: 1 / np.sqrt(var + eps),
    "x_hat": lambda centred, inv_std: centred * inv_std,
    "out": lambda x_hat, gamma, beta: gamma * x_hat + beta,
}
LINES = {
    "beta": lambda d, v, N: d["out"].sum(axis=0),
    "gamma": lambda d, v, N: (d["out"] * v["x_hat"]).sum(axis=0),
    "x_hat": lambda d, v, N: d["out"] * v["gamma"],
    "inv_std": lambda d, v, N: (d["x_hat"] * v["centred"]).sum(axis=0),
    "var": lambda d, v, N: -0.5 * v["inv_std"] ** 3 * d["inv_std"],
    "centred via var": lambda d, v, N: 2 / N * v["centred"] * d["var"],
    "centred via x_hat": lambda d, v, N: d["x_hat"] * v["inv_std"],
    "centred": lambda d, v, N: d["centred via var"] + d["centred via x_hat"],
    "mu": lambda d, v, N: -d["centred"].sum(axis=0),
    "x": lambda d, v, N: d["centred"] + d["mu"] / N,
}


def batchnorm_arguments(seed=0):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(6, 4)), "gamma": rng.normal(size=4), "beta": rng.normal(size=4)}


def batchnorm_backward(wrong=(), leave_out=()):
    """The backward pass line by line; the lines named in `wrong` give one and a half times what they should."""

    def backward(dy, v):
        d = {"out": dy}
        for name, line in LINES.items():
            d[name] = line(d, v, len(v["x"])) * (1.5 if name in wrong else 1)
        return {name: gradient for name, gradient in d.items() if name != "out" and name not in leave_out}

    return backward


def verdicts(found):
    return {g.name: g.verdict for g in found.gradients}


# ---- steps ----


def test_a_right_backward_passes_step_by_step():
    found = trace(BATCHNORM, batchnorm_backward(), batchnorm_arguments())
    assert found.passed and found.first_wrong is None and not found.findings and not found.not_given
    assert set(verdicts(found)) == set(LINES) and set(verdicts(found).values()) == {"right"}
    assert all(g.report.max_relative_error < 1e-7 for g in found.gradients)
    found.raise_if_failed()


@pytest.mark.parametrize("line", list(LINES))
def test_the_first_wrong_line_is_found(line):
    found = trace(BATCHNORM, batchnorm_backward(wrong=[line]), batchnorm_arguments(), seed=1)
    assert not found.passed and found.first_wrong == line and list(found.reports) == [line]
    assert found[line].verdict == "FIRST WRONG"
    before = [g.name for g in found.gradients[: list(verdicts(found)).index(line)]]
    assert all(found[name].verdict == "right" for name in before)
    assert {f.argument for f in found.findings} == {line}
    sources = [source for source in found[line].made_from if source != "out"]
    assert all(found[source].verdict == "right" for source in sources)


def test_gradients_come_after_those_they_are_made_from():
    backward = batchnorm_backward()

    def in_another_order(dy, v):
        return dict(reversed(backward(dy, v).items()))

    found = trace(BATCHNORM, in_another_order, batchnorm_arguments())
    names = list(verdicts(found))
    assert found["out" if "out" in names else "x_hat"].made_from == ["out"] and found["x"].made_from == [
        "mu",
        "centred",
    ]
    for g in found.gradients:
        assert all(names.index(source) < names.index(g.name) for source in g.made_from if source != "out")


def test_two_mistakes_that_do_not_depend_on_each_other_are_both_first():
    found = trace(BATCHNORM, batchnorm_backward(wrong=["gamma", "var"]), batchnorm_arguments())
    assert list(found.reports) == ["gamma", "var"] and found["gamma"].first and found["var"].first
    assert found["x"].verdict == "wrong"


def test_a_gradient_in_float32_is_wrong_even_where_its_numbers_pass():
    def in_float32(dy, v):
        gradients = batchnorm_backward()(dy, v)
        return gradients | {"x_hat": gradients["x_hat"].astype(np.float32)}

    found = trace(BATCHNORM, in_float32, batchnorm_arguments())
    assert not found.passed and found.first_wrong == "x_hat"
    assert found["x_hat"].report.passed and found.findings[0].code == "low-precision"


def test_what_has_a_name_is_told_before_what_has_none():
    def two_mistakes(dy, v):
        gradients = batchnorm_backward(wrong=["var"])(dy, v)
        return gradients | {"gamma": np.sin(np.arange(24.0) ** 2).reshape(4, 6) @ dy.sum(axis=1)}

    found = trace(BATCHNORM, two_mistakes, batchnorm_arguments())
    assert [(f.argument, f.code) for f in found.findings] == [("var", "factor-constant"), ("gamma", "unrecognized")]


def test_what_is_not_given_is_looked_through():
    backward = batchnorm_backward(wrong=["inv_std"], leave_out=["inv_std", "centred", "centred via var"])
    found = trace(BATCHNORM, backward, batchnorm_arguments())
    assert found.first_wrong == "var" and found["var"].made_from == ["x_hat"]
    assert found.not_given == ["centred", "inv_std"]
    assert "Not looked at, since backward gave no gradient of it: centred, inv_std." in " ".join(str(found).split())


def test_a_gradient_of_the_output_itself_may_be_given():
    def backward(dy, v):
        return {"out": dy, **batchnorm_backward(wrong=["var"])(dy, v)}

    found = trace(BATCHNORM, backward, batchnorm_arguments())
    assert found["out"].verdict == "right" and found.first_wrong == "var" and not found["out"].made_from


def test_a_gradient_of_the_wrong_shape_is_wrong():
    def backward(dy, v):
        gradients = batchnorm_backward()(dy, v)
        return {**gradients, "mu": gradients["mu"][None]}

    found = trace(BATCHNORM, backward, batchnorm_arguments())
    assert found.first_wrong == "mu" and [f.code for f in found.findings] == ["wrong-shape"]


# ---- a backward pass line by line ----


def lines(wrong=()):
    return {
        name: lambda d, v, name=name, line=line: line(d, v, len(v["x"])) * (1.5 if name in wrong else 1)
        for name, line in LINES.items()
    }


def test_lines_are_run_one_after_another():
    assert trace(BATCHNORM, lines(), batchnorm_arguments()).passed
    found = trace(BATCHNORM, lines(wrong=["x_hat"]), batchnorm_arguments())
    assert found.first_wrong == "x_hat" and found.title == "backward"


@pytest.mark.parametrize("later", [(), ("centred",), ("x",), ("centred via var", "x")])
def test_each_later_line_is_judged_by_itself(later):
    found = trace(BATCHNORM, lines(wrong=["inv_std", *later]), batchnorm_arguments(), title="lines")
    assert found.first_wrong == "inv_std" and list(found.reports) == ["inv_std"]
    now = verdicts(found)
    assert {name for name, verdict in now.items() if verdict == "WRONG TOO"} == set(later)
    assert {"var", "x", "centred"} - set(later) <= {name for name, verdict in now.items() if verdict == "spoiled"}
    assert "wrong" not in now.values()
    words = " ".join(str(found).split())
    assert "while their own lines are right" in words and ("Wrong by themselves, too" in words) == bool(later)


def test_a_line_that_gives_another_shape_is_wrong_too():
    with_axis = lines(wrong=["inv_std"])
    right = with_axis["mu"]
    with_axis["mu"] = lambda d, v: right(d, v)[None]
    found = trace(BATCHNORM, with_axis, batchnorm_arguments())
    assert found["mu"].verdict == "WRONG TOO" and found["centred"].verdict == "spoiled"


def test_lines_after_what_was_only_sampled_are_not_judged():
    steps = {"h": lambda x: np.tanh(x), "s": lambda h: h**2, "y": lambda s: s.sum(axis=1)}
    backward = {
        "s": lambda d, v: 1.1 * d["y"][:, None] * np.ones_like(v["s"]),
        "h": lambda d, v: 2 * v["h"] * d["s"],
        "x": lambda d, v: d["h"] * (1 - v["h"] ** 2),
    }
    x = {"x": np.random.default_rng(0).normal(size=(20, 30))}
    assert set(verdicts(trace(steps, backward, x)).values()) == {"FIRST WRONG", "spoiled"}
    few = trace(steps, backward, x, max_evaluations=50)
    assert few.first_wrong == "s" and {few["h"].verdict, few["x"].verdict} <= {"spoiled", "wrong"}


# ---- a function with a tap ----


def conv_forward(x, w, b, tap=lambda name, value: value):
    patches = np.lib.stride_tricks.sliding_window_view(x, w.shape[:2], axis=(1, 2))
    columns = tap("columns", np.moveaxis(patches, 3, -1).reshape(*patches.shape[:3], -1))
    weights = tap("weights", w.reshape(-1, w.shape[-1]))
    return columns @ weights + b, (x.shape, w.shape, columns, weights)


def conv_backward(dy, cache, stage=None):
    x_shape, (kh, kw, c_in, _), columns, weights = cache
    d = {"b": dy.sum(axis=(0, 1, 2)), "columns": dy @ weights.T, "weights": np.einsum("nijk,nijf->kf", columns, dy)}
    if stage == "columns":
        d["columns"] = dy @ weights[::-1].T
    d["w"] = d["weights"].reshape(cache[1])
    patches = d["columns"].reshape(*dy.shape[:3], kh, kw, c_in)
    d["x"] = np.zeros(x_shape)
    for a in range(kh):
        for c in range(kw):
            window = d["x"][:, a : a + dy.shape[1], c : c + dy.shape[2]]
            window[...] = patches[:, :, :, a, c] + (0 if stage == "x" else window)
    return d


@pytest.mark.parametrize("stage", [None, "columns", "x"])
def test_a_convolution_with_a_tap(stage):
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(2, 5, 4, 2)), rng.normal(size=(3, 2, 2, 3)), rng.normal(size=3)
    before = [a.copy() for a in arguments]
    found = trace(conv_forward, lambda dy, cache: conv_backward(dy, cache, stage), arguments, title="convolution")
    assert found.first_wrong == stage and found.passed == (stage is None) and found.title == "convolution"
    assert found["x"].made_from == ["columns"] and found["w"].made_from == ["weights"]
    for one, other in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_randomness_is_the_same_in_every_run():
    def forward(x, rate, rng, tap):
        mask = rng.random(x.shape) >= rate
        h = tap("h", np.tanh(x))
        return tap("kept", h * mask), (mask, h)

    def backward(dy, cache):
        return {"kept": dy, "h": dy * cache[0], "x": dy * cache[0] * (1 - cache[1] ** 2)}

    x, rng = np.random.default_rng(0).normal(size=(4, 5)), np.random.default_rng(1)
    state = rng.bit_generator.state
    found = trace(forward, backward, (x, 0.4, rng))
    assert found.passed and rng.bit_generator.state == state and found["x"].made_from == ["h"]


def test_a_generator_that_is_no_argument_may_be_named():
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state

    def forward(x, tap):
        mask = rng.random(x.shape) < 0.5
        return np.tanh(tap("kept", x * mask)), (x * mask, mask)

    def backward(dy, cache):
        d_kept = dy * (1 - np.tanh(cache[0]) ** 2)
        return {"kept": d_kept, "x": d_kept * cache[1]}

    x = np.random.default_rng(1).normal(size=(4, 5))
    assert trace(forward, backward, x, rng=rng).passed and rng.bit_generator.state == state
    found = trace(forward, backward, x)
    assert not found.passed and found["x"].verdict == "not compared"
    assert found.findings[0].code == "not-repeatable"  # errors of conduct first


def test_large_values_are_sampled_and_the_trace_says_so():
    def forward(x, tap):
        h = tap("h", np.tanh(x))
        return h**2, h

    def backward(dy, h):
        return {"h": 2 * dy * h, "x": 2 * dy * h * (1 - h**2)}

    found = trace(forward, backward, np.random.default_rng(0).normal(size=(20, 30)), max_evaluations=500)
    assert found.passed and found["h"].report.compared < 600
    assert f"A random choice was looked at: {found['h'].report.compared} of 600 entries of h" in str(found)


def test_a_loss_and_numbers_on_the_way():
    steps = {
        "error": lambda prediction, target: prediction - target,
        "mean": lambda error: (error**2).mean(),
        "loss": lambda mean: float(np.sqrt(mean)),
    }

    def backward(dy, v):
        d_mean = dy / (2 * v["loss"])
        d_error = d_mean * 2 * v["error"] / v["error"].size
        return {"mean": d_mean, "error": d_error, "prediction": d_error, "target": d_error}

    prediction, target = np.random.default_rng(0).normal(size=(2, 3, 4))
    found = trace(steps, backward, {"prediction": prediction, "target": target})
    assert found.first_wrong == "target" and found["mean"].report.shape == () and found["mean"].made_from == ["loss"]


# ---- how it reads ----


def wrong_trace():
    return trace(BATCHNORM, batchnorm_backward(wrong=["var"]), batchnorm_arguments())


def test_the_text_says_which_is_first_and_fits_a_terminal():
    text = str(wrong_trace())
    assert max(map(len, text.splitlines())) <= 88 and "\x1b" not in text
    words = " ".join(text.split())
    assert "The first wrong gradient is that of var. The gradient of inv_std, from which it is made, is right" in words
    assert "Mend it first: centred via var, centred and x may be wrong only for being made from it." in words
    assert "Worst entries of var" in text and "Worst entries of x" not in text
    assert wrong_trace().to_text(colour=True).count("\x1b[31m") > 2


def test_as_json_as_html_and_as_an_error():
    found = wrong_trace()
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["first_wrong"] == ["var"] and not data["passed"] and data["findings"][0]["argument"] == "var"
    assert {g["name"]: g["made_from"] for g in data["gradients"]}["var"] == ["inv_std"]
    assert "FIRST WRONG" in found._repr_html_() and "<script" not in found._repr_html_()
    with pytest.raises(GradientError, match="first wrong gradient is that of var"):
        found.raise_if_failed()
    assert repr(found) == "<Trace backward: FAILED, first wrong: var>"
    with pytest.raises(KeyError, match="no gradient of 'sigma'"):
        found["sigma"]


# ---- bad use ----


@pytest.mark.parametrize(
    ("forward", "gradients", "arguments", "error", "message"),
    [
        (BATCHNORM, {"sigma": 1.0}, None, ValueError, "gradient for 'sigma'; the values are called x, gamma, beta"),
        (BATCHNORM, {}, None, ValueError, "gradient for nothing"),
        (BATCHNORM, (1.0, 2.0), None, TypeError, "must return a dictionary of gradients"),
        (BATCHNORM, {}, (np.ones(3),), TypeError, "give them as a dictionary"),
        ({"a": lambda x, q: x}, {}, {"x": np.ones(3)}, ValueError, "Step 'a' takes 'q', which is neither"),
        ({"x": lambda x: x}, {}, {"x": np.ones(3)}, ValueError, "A step is called 'x', as an argument is"),
        ([("a", np.sin), ("a", np.cos)], {}, {"x": np.ones(3)}, ValueError, "Two steps are called 'a'"),
        ({}, {}, {"x": np.ones(3)}, ValueError, "forward has no steps"),
        (lambda x: (x, None), {}, (np.ones(3),), TypeError, "a parameter `tap`"),
        (lambda x, tap: tap("a", tap("a", x)), {}, (np.ones(3),), ValueError, "for the second time"),
        (lambda x, tap: tap("a", x), {}, (np.ones(3),), TypeError, r"pair \(y, cache\)"),
    ],
)
def test_bad_use_says_what_to_do(forward, gradients, arguments, error, message):
    with pytest.raises(error, match=message):
        trace(forward, lambda dy, cache: gradients, arguments or batchnorm_arguments())


def test_a_trace_does_not_advise_to_trace():
    def backward(dy, v):
        noise = np.random.default_rng(0).normal(size=4)
        return {**batchnorm_backward()(dy, v), "var": noise * dy.sum()}

    found = trace(BATCHNORM, backward, batchnorm_arguments())
    assert found.first_wrong == "var" and "gradcheck.trace" not in str(found)


def test_only_the_first_wrong_gradient_is_diagnosed(monkeypatch):
    module, explained = importlib.import_module("minicnn.gradcheck.trace"), []
    check = module.check
    monkeypatch.setattr(
        module, "check", lambda *a, explain=True, **o: (explained.append((o["title"], explain)), check(*a, **o))[1]
    )
    trace(BATCHNORM, batchnorm_backward(wrong=["var"]), batchnorm_arguments())
    assert [name for name, explain in explained if explain] == ["var"] and len(explained) == len(LINES) + 1
