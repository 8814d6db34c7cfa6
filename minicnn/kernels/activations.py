"""The rectifier and its gradient, on flat arrays.

On images too large for the cache NumPy is as fast (`minicnn bench --parts techniques`), but its product of dy with the
mask turns an infinite dy into NaN where the unit was silent.
"""

from .jit import kernel


@kernel
def relu(x, y):
    """y = x where x > 0, else 0; NaN stays NaN, so that a diverged run is seen."""
    for i in range(x.size):
        y[i] = 0 if x[i] <= 0 else x[i]


@kernel
def relu_backward(dy, y, dx):
    """dx = dy where y > 0, else 0."""
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else 0
