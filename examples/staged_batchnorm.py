"""Batch normalization's backward pass, line by line
=================================================

With a mistake in the middle, and ``gradcheck.trace`` finding it. ``gradcheck.check`` compares dx, dgamma and dbeta.
Here dx is wrong everywhere, and ten lines could be to blame: ``trace`` compares the gradient of every intermediate
value too, and says which is the first wrong one. Run it: ``python examples/staged_batchnorm.py``
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

# Each line makes the gradient of its name from the gradients d so far and the values v; d["y"] is dy.
# `centred` is used twice: its gradient is the sum of what comes back from both uses.
BACKWARD = {
    "beta": lambda d, v: d["y"].sum(axis=0),
    "gamma": lambda d, v: (d["y"] * v["x_hat"]).sum(axis=0),
    "x_hat": lambda d, v: d["y"] * v["gamma"],
    "inv_std": lambda d, v: (d["x_hat"] * v["centred"]).sum(axis=0),
    "var": lambda d, v: -0.5 * v["inv_std"] ** 3 * d["inv_std"],
    "centred via x_hat": lambda d, v: d["x_hat"] * v["inv_std"],
    "centred via var": lambda d, v: 2 / len(v["x"]) * v["centred"] * d["var"],
    "centred": lambda d, v: d["centred via x_hat"] + d["centred via var"],
    "mu": lambda d, v: -d["centred"].sum(axis=0),
    "x": lambda d, v: d["centred"] + d["mu"] / len(v["x"]),
}

# The derivative of var^(-1/2) is -1/2 var^(-3/2): the third power of inv_std, not the second.
MISTAKE = {"var": lambda d, v: -0.5 * v["inv_std"] ** 2 * d["inv_std"]}


def main():
    rng = np.random.default_rng(0)
    arguments = {"x": rng.normal(size=(8, 5)), "gamma": rng.normal(size=5), "beta": rng.normal(size=5)}
    for title, backward in (("batch norm, one line wrong", BACKWARD | MISTAKE), ("batch norm", BACKWARD)):
        trace = gradcheck.trace(FORWARD, backward, arguments, title=title)
        print(trace, end="\n\n" + "-" * 88 + "\n\n")
    trace.raise_if_failed()  # in a test: an AssertionError that holds the whole trace


if __name__ == "__main__":
    main()
