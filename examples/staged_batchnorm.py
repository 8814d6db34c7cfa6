"""Batch normalization's backward pass step by step, with a mistake in the middle, and `gradcheck.trace` finding it.

`gradcheck.check` compares dx, dgamma and dbeta. Here dx is wrong everywhere, and ten lines could be to blame: `trace`
compares the gradient of every intermediate value too, and says which is the first wrong one.
Run it: python examples/staged_batchnorm.py
"""

import numpy as np

from minicnn import gradcheck

EPS = 1e-5

# Each step makes the value of its name from those its parameters name; the last is the output.
FORWARD = {
    "mu": lambda x: x.mean(axis=0),
    "centred": lambda x, mu: x - mu,
    "var": lambda centred: (centred**2).mean(axis=0),
    "inv_std": lambda var: 1 / np.sqrt(var + EPS),
    "x_hat": lambda centred, inv_std: centred * inv_std,
    "y": lambda x_hat, gamma, beta: gamma * x_hat + beta,
}


def wrong_backward(dy, v):
    """v holds every value by its name. One line is wrong."""
    d = {}
    d["beta"] = dy.sum(axis=0)
    d["gamma"] = (dy * v["x_hat"]).sum(axis=0)
    d["x_hat"] = dy * v["gamma"]
    d["inv_std"] = (d["x_hat"] * v["centred"]).sum(axis=0)
    d["var"] = -0.5 * v["inv_std"] ** 2 * d["inv_std"]  # the derivative of var^(-1/2) is -1/2 var^(-3/2)
    return with_the_rest(d, v)


def right_backward(dy, v):
    """The same with the line mended."""
    d = {name: gradient for name, gradient in wrong_backward(dy, v).items() if name in ("beta", "gamma", "x_hat")}
    d["inv_std"] = (d["x_hat"] * v["centred"]).sum(axis=0)
    d["var"] = -0.5 * v["inv_std"] ** 3 * d["inv_std"]
    return with_the_rest(d, v)


def with_the_rest(d, v):
    """From var back to x. `centred` is used twice: its gradient is the sum of what comes back from both uses."""
    d["centred via var"] = 2 / len(v["x"]) * v["centred"] * d["var"]
    d["centred via x_hat"] = d["x_hat"] * v["inv_std"]
    d["centred"] = d["centred via var"] + d["centred via x_hat"]
    d["mu"] = -d["centred"].sum(axis=0)
    d["x"] = d["centred"] + d["mu"] / len(v["x"])
    return d


def main():
    rng = np.random.default_rng(0)
    arguments = {"x": rng.normal(size=(8, 5)), "gamma": rng.normal(size=5), "beta": rng.normal(size=5)}
    for backward in (wrong_backward, right_backward):
        trace = gradcheck.trace(FORWARD, backward, arguments)
        print(trace, end="\n\n" + "-" * 88 + "\n\n")
    trace.raise_if_failed()  # in a test: an AssertionError that holds the whole trace


if __name__ == "__main__":
    main()
