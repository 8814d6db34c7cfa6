"""The same mathematics written for the eye: what the layers' kernels are checked against.

`loops` writes every function as its textbook formula in plain loops: slow and obviously right, the truth in tests.
`vectorized` writes it in whole-array NumPy: the step between the formula and the kernels. `geometry` holds the one
thing both need, where the windows of a convolution or a pooling lie.

Both modules have the names and signatures of `minicnn.functional` and need NumPy only. They take their arguments as
valid (labels in range, shapes that fit): `minicnn.functional` is where a mistake gets a helpful message.

>>> from minicnn import functional
>>> from minicnn.reference import loops, vectorized
>>> x, w = np.random.default_rng(0).normal(size=(2, 5, 5, 3)), np.ones((3, 3, 3, 4))
>>> [np.allclose(way.conv2d_forward(x, w)[0], functional.conv2d_forward(x, w)[0]) for way in (loops, vectorized)]
[True, True]
"""

from . import geometry, loops, vectorized

__all__ = ["geometry", "loops", "vectorized"]
