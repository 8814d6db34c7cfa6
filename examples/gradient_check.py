"""Check a backward pass of your own
=================================

Batch normalization, first with a mistake, then without. ``gradcheck.check`` needs two functions on NumPy arrays and
nothing else of minicnn. Run it: ``python examples/gradient_check.py``
"""

import numpy as np

from minicnn import gradcheck


def batchnorm_forward(x, gamma, beta):
    """y = gamma * x_hat + beta, with x_hat = (x - mean) / std of each column."""
    std = np.sqrt(x.var(axis=0) + 1e-5)
    x_hat = (x - x.mean(axis=0)) / std
    return gamma * x_hat + beta, (x_hat, gamma, std)


def first_try(dy, cache):
    """Forgets that the mean depends on every x, and so does the standard deviation."""
    x_hat, gamma, std = cache
    dx = gamma / std * dy
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def second_try(dy, cache):
    """Has the two terms that come back through mean and standard deviation."""
    x_hat, gamma, std = cache
    dx = gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


def main(figure="gradient_check.png"):
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(8, 5)), rng.normal(size=5), rng.normal(size=5)  # x, gamma, beta
    wrong, right = (gradcheck.check(batchnorm_forward, backward, arguments) for backward in (first_try, second_try))
    print(wrong, right, sep="\n\n" + "-" * 88 + "\n\n")
    wrong.plot(figure)
    print(f"\nThe first try as a picture: {figure}")
    right.raise_if_failed()  # in a test: an AssertionError that holds the whole report


if __name__ == "__main__":
    main()
