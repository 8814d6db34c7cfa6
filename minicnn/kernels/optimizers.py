"""Stochastic gradient descent with momentum, on flat arrays: one pass over memory where NumPy makes four."""

from .jit import kernel


@kernel
def sgd(w, g, v, learning_rate, momentum, nesterov):
    """Equations (2) to (4) of `minicnn.optimizers`; both numbers in the dtype of the arrays."""
    for i in range(len(w)):
        v[i] = momentum * v[i] + g[i]  # (2)
        w[i] -= learning_rate * (g[i] + momentum * v[i] if nesterov else v[i])  # (4), (3)
