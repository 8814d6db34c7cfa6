"""Every pure pair of functions in one place: NAME_forward(...) -> (y, cache), NAME_backward(dy, cache) -> gradients.

Nothing is computed here. Each function stands beside its equations, in `layers/` or `losses.py`.

>>> from minicnn import functional as F
>>> y, cache = F.dense_forward(np.ones((2, 3)), np.ones((3, 4)), np.zeros(4))
>>> dx, dw, db = F.dense_backward(np.ones((2, 4)), cache)
>>> dx.shape, dw.shape, db.shape
((2, 3), (3, 4), (4,))
"""

from .layers.activations import (
    leaky_relu_backward,
    leaky_relu_forward,
    relu_backward,
    relu_forward,
    sigmoid_backward,
    sigmoid_forward,
    softmax_backward,
    softmax_forward,
    tanh_backward,
    tanh_forward,
)
from .layers.batchnorm import (
    batchnorm_backward,
    batchnorm_forward,
    batchnorm_inference_backward,
    batchnorm_inference_forward,
)
from .layers.conv2d import conv2d_backward, conv2d_forward
from .layers.dense import dense_backward, dense_forward
from .layers.dropout import (
    dropout_backward,
    dropout_forward,
    spatial_dropout2d_backward,
    spatial_dropout2d_forward,
)
from .layers.flatten import flatten_backward, flatten_forward
from .layers.pooling import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    global_avg_pool2d_backward,
    global_avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
)
from .losses import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    mean_squared_error_backward,
    mean_squared_error_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

__all__ = [name for name in dir() if name.endswith(("_forward", "_backward"))]
