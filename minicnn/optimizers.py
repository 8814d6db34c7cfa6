"""Optimizers: how a gradient changes a parameter.

One step takes every parameter w and its gradient g = dL/dw. All start from slots (v, s, m) of zeros; t counts the
steps from 1; mu is `momentum`, lambda `weight_decay`, lr `learning_rate`. Every line works element by element.

    L2 decay        g <- g + lambda w                                       (1)   SGD, RMSProp, Adam

    SGD             v <- mu v + g                                           (2)
                    w <- w - lr v                                           (3)   without momentum: w - lr g
                    w <- w - lr (g + mu v)                                  (4)   with nesterov, instead of (3)

    RMSProp         s <- rho s + (1 - rho) g^2                              (5)
                    w <- w - lr g / (sqrt(s) + eps)                         (6)

    Adam            m <- beta1 m + (1 - beta1) g                            (7)
                    s <- beta2 s + (1 - beta2) g^2                          (8)
                    w <- w - lr m^ / (sqrt(s^) + eps)                       (9)
                         with m^ = m / (1 - beta1^t), s^ = s / (1 - beta2^t): a mean that starts from zero is
                         too small at first by just these factors

    AdamW           w <- w - lr lambda w                                    (10)  in place of (1), then (7) to (9)

(1) is the gradient of `L + lambda/2 |w|^2`. Adam divides it by sqrt(s^) together with the rest, so that weights with
large gradients hardly decay; AdamW's (10) shrinks all weights at one rate. That is the whole difference of the two.

Conventions, which differ between libraries:

| matter         | here and PyTorch     | Keras                                                               |
| -------------- | -------------------- | ------------------------------------------------------------------- |
| SGD's velocity | lr outside of v: (3) | v <- mu v - lr g, w <- w + v; differs once lr changes               |
| `weight_decay` | (1), AdamW (10)      | (10) everywhere                                                     |
| eps in (6)     | sqrt(s) + eps        | sqrt(s + eps)                                                       |
| eps in (9)     | sqrt(s^) + eps       | sqrt(s^) + eps / sqrt(1 - beta2^t)                                  |

Left out: PyTorch's `dampening`, momentum and centring in RMSProp, AMSGrad. Loshchilov & Hutter multiply (10) by the
schedule alone; here, as in PyTorch, lr is the product of base rate and schedule.

Sources: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013 (2-4);
Tieleman & Hinton, Coursera lecture 6e, 2012 (5, 6); Kingma & Ba, "Adam", ICLR 2015, algorithm 1 (7-9);
Loshchilov & Hutter, "Decoupled Weight Decay Regularization", ICLR 2019 (10).

>>> from minicnn import SGD
>>> w = np.array([1.0, 2.0])
>>> SGD(0.1).step({"w": w}, {"w": np.array([1.0, -1.0])})
>>> w
array([0.9, 2.1])
"""

from __future__ import annotations

import math

import numpy as np

from .arguments import check_gradients, checked_flag, checked_number
from .configured import Configured
from .kernels import optimizers as kernels

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Optimizer", "RMSProp"]

Arrays = dict[str, np.ndarray]
Scratch = tuple[np.ndarray, np.ndarray]

# In NumPy an update is four to a dozen passes over its arrays. Cut into blocks that stay in the processor's cache, a
# large parameter makes one trip to memory instead, and the scratch arrays need the size of a block only.
BLOCK_SIZE = 65_536


class Optimizer(Configured):
    """The base: the checks, the slots and the loop over parameters. A subclass names its slots and writes `update`.

    Parameters
    ----------
    learning_rate : float
        lr above, greater than 0; dimensionless.
    weight_decay : float
        lambda above, at least 0; dimensionless.

    Attributes
    ----------
    state : dict of str to dict of str to array
        Parameter name -> slot name -> array with the parameter's shape and dtype; filled by the first step.
    iterations : int
        Steps done.

    Examples
    --------
    >>> from minicnn.optimizers import Optimizer
    >>> class SignDescent(Optimizer):
    ...     def update(self, w, g, slots, scratch):
    ...         w -= self.learning_rate * np.sign(g)
    >>> w = np.array([1.0, 2.0])
    >>> SignDescent(learning_rate=0.5, weight_decay=0).step({"w": w}, {"w": np.array([3.0, -0.1])})
    >>> w
    array([0.5, 2.5])
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: float, weight_decay: float):
        kind = type(self).__name__
        self.learning_rate = checked_number(kind, "learning_rate", learning_rate, above=0)
        self.weight_decay = checked_number(kind, "weight_decay", weight_decay, at_least=0)
        self.state: dict[str, Arrays] = {}
        self.iterations = 0
        self._scratch: dict[tuple, Scratch] = {}

    @property
    def learning_rate(self) -> float:
        """The present learning rate; a schedule may set it to any finite number from 0 on."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = checked_number(type(self).__name__, "learning_rate", value, at_least=0)

    def step(self, params: Arrays, grads: Arrays) -> None:
        """Change every parameter in place by its gradient.

        Parameters
        ----------
        params : dict of str to array, float32 or float64
            The parameters by name.
        grads : dict of str to array
            dL/d(parameter) under the same names, with the same shapes and dtypes; not changed.

        Raises
        ------
        ValueError, TypeError
            If names, shapes or dtypes do not match, or the slots belong to another model. Nothing has changed then.
        """
        check_gradients(type(self).__name__, params, grads, self.state)
        for name, param in params.items():
            if name not in self.state:
                self.state[name] = {slot: np.zeros_like(param) for slot in self.slot_names}
        self.iterations += 1
        for name, param in params.items():
            self._update_in_blocks(param, grads[name], self.state[name])

    def update(self, w: np.ndarray, g: np.ndarray, slots: Arrays, scratch: Scratch) -> None:
        """Change one block of a parameter and of its slots in place: the optimizer's equations.

        Here w is the block, laid out flat, g the same block of the gradient (not to be changed), `slots` has that of
        each slot, and `scratch` is a pair of arrays like w to compute in, of which the first belongs to `decay`.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method update(w, g, slots, scratch).")

    def decay(self, w: np.ndarray, g: np.ndarray, scratch: Scratch) -> np.ndarray:
        """Apply the weight decay and return the gradient to go on with: here L2 decay, equation (1)."""
        if self.weight_decay == 0:
            return g
        decayed = np.multiply(w, self.weight_decay, out=scratch[0])
        decayed += g  # (1)
        return decayed

    def _update_in_blocks(self, param: np.ndarray, grad: np.ndarray, slots: Arrays) -> None:
        """Lay the arrays out flat, and update them block by block."""
        w, g = param.ravel(), grad.ravel()  # views, or copies where the memory order is another
        flat_slots = {slot: array.ravel() for slot, array in slots.items()}
        for start in range(0, w.size, BLOCK_SIZE):
            block = slice(start, start + BLOCK_SIZE)
            parts = {slot: flat[block] for slot, flat in flat_slots.items()}
            self.update(w[block], g[block], parts, self._scratch_for(w[block]))
        for array, flat in ((param, w), *zip(slots.values(), flat_slots.values(), strict=True)):
            if not array.flags.c_contiguous:
                array[...] = flat.reshape(array.shape)

    def _scratch_for(self, block: np.ndarray) -> Scratch:
        """Two arrays like `block`, made once."""
        key = block.shape, block.dtype.char
        if key not in self._scratch:
            self._scratch[key] = np.empty_like(block), np.empty_like(block)
        return self._scratch[key]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, equations (1) to (4).

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    momentum : float in [0, 1)
        The share of the velocity kept from step to step.
    nesterov : bool
        Step by the gradient plus the velocity as it will be, equation (4); needs momentum.

    Examples
    --------
    >>> from minicnn import SGD
    >>> w, optimizer = np.array([1.0]), SGD(0.1, momentum=0.9)
    >>> for _ in range(3):  # with one gradient the steps grow: 0.1, 0.19, 0.271
    ...     optimizer.step({"w": w}, {"w": np.array([1.0])})
    ...     print(w.round(3))
    [0.9]
    [0.71]
    [0.439]
    """

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ):
        super().__init__(learning_rate, weight_decay)
        self.momentum = checked_number("SGD", "momentum", momentum, at_least=0, below=1)
        self.nesterov = checked_flag("SGD", "nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise ValueError("SGD(nesterov=True) needs a momentum greater than 0, got momentum=0; 0.9 is usual.")
        self.slot_names = ("velocity",) if self.momentum else ()

    def update(self, w: np.ndarray, g: np.ndarray, slots: Arrays, scratch: Scratch) -> None:
        """Equations (1) to (4); see `Optimizer.update`."""
        g = self.decay(w, g, scratch)  # (1)
        if self.momentum:
            learning_rate, momentum = w.dtype.type(self.learning_rate), w.dtype.type(self.momentum)
            kernels.sgd(w, g, slots["velocity"], learning_rate, momentum, self.nesterov)  # (2) to (4)
        else:
            w -= np.multiply(g, self.learning_rate, out=scratch[1])  # (3)


class RMSProp(Optimizer):
    """Gradient descent scaled by a running mean of g^2, equations (1), (5) and (6).

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    rho : float in [0, 1)
        The share of the mean square kept from step to step (PyTorch calls it alpha).
    eps : float
        Greater than 0; keeps the division finite.

    Examples
    --------
    >>> from minicnn import RMSProp
    >>> w, optimizer = np.array([1.0, 1.0]), RMSProp(0.01)
    >>> optimizer.step({"w": w}, {"w": np.array([0.001, 1000.0])})
    >>> w.round(4)  # as far, however large the gradient: lr / sqrt(1 - rho)
    array([0.9684, 0.9684])
    """

    slot_names = ("mean_square",)

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, eps: float = 1e-8, weight_decay: float = 0.0):
        super().__init__(learning_rate, weight_decay)
        self.rho = checked_number("RMSProp", "rho", rho, at_least=0, below=1)
        self.eps = checked_number("RMSProp", "eps", eps, above=0)

    def update(self, w: np.ndarray, g: np.ndarray, slots: Arrays, scratch: Scratch) -> None:
        """Equations (1), (5) and (6); see `Optimizer.update`."""
        g = self.decay(w, g, scratch)  # (1)
        s = slots["mean_square"]
        move_towards_square(s, g, self.rho, scratch[1])  # (5)
        descend(w, g, s, self.learning_rate, self.eps, scratch[1])  # (6)


class Adam(Optimizer):
    """Momentum and scaling by running means, both corrected for their start, equations (1) and (7) to (9).

    t is `iterations`: a parameter that joins later (a layer unfrozen) shares the others' t, as in Keras.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    beta1, beta2 : float in [0, 1)
        The share of the mean gradient, and of the mean square, kept from step to step.
    eps : float
        Greater than 0; keeps the division finite.

    Examples
    --------
    >>> from minicnn import Adam
    >>> w, optimizer = np.array([1.0, 1.0]), Adam(0.01)
    >>> optimizer.step({"w": w}, {"w": np.array([0.001, 1000.0])})
    >>> w.round(4)  # as far, however large the gradient: the first step is lr
    array([0.99, 0.99])
    """

    slot_names = ("mean", "mean_square")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ):
        super().__init__(learning_rate, weight_decay)
        kind = type(self).__name__
        self.beta1 = checked_number(kind, "beta1", beta1, at_least=0, below=1)
        self.beta2 = checked_number(kind, "beta2", beta2, at_least=0, below=1)
        self.eps = checked_number(kind, "eps", eps, above=0)

    def update(self, w: np.ndarray, g: np.ndarray, slots: Arrays, scratch: Scratch) -> None:
        """Equations (1), or (10), and (7) to (9); see `Optimizer.update`."""
        g = self.decay(w, g, scratch)  # (1), (10)
        m, s = slots["mean"], slots["mean_square"]
        m *= self.beta1
        m += np.multiply(g, 1 - self.beta1, out=scratch[1])  # (7)
        move_towards_square(s, g, self.beta2, scratch[1])  # (8)
        root = math.sqrt(1 - self.beta2**self.iterations)  # sqrt(s^) = sqrt(s) / root; we multiply (9) out with it
        rate = self.learning_rate * root / (1 - self.beta1**self.iterations)
        descend(w, m, s, rate, self.eps * root, scratch[1])  # (9)


class AdamW(Adam):
    """Adam with decoupled weight decay, equations (10) and (7) to (9). Parameters as in `Adam`.

    Examples
    --------
    >>> from minicnn import AdamW
    >>> w, optimizer = np.array([1.0, -2.0]), AdamW(0.1, weight_decay=0.5)
    >>> optimizer.step({"w": w}, {"w": np.zeros(2)})
    >>> w  # no gradient: only shrunk, by the factor 1 - 0.1 * 0.5
    array([ 0.95, -1.9 ])
    """

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        super().__init__(learning_rate, beta1, beta2, eps, weight_decay)

    def decay(self, w: np.ndarray, g: np.ndarray, scratch: Scratch) -> np.ndarray:
        """Shrink the weights themselves, equation (10), and leave the gradient alone."""
        w *= 1 - self.learning_rate * self.weight_decay  # (10)
        return g


OPTIMIZERS = {optimizer.__name__: optimizer for optimizer in (SGD, RMSProp, Adam, AdamW)}


def move_towards_square(s: np.ndarray, g: np.ndarray, keep: float, scratch: np.ndarray) -> None:
    """Update a running mean in place, s <- keep s + (1 - keep) g^2: equations (5) and (8)."""
    square = np.multiply(g, g, out=scratch)
    square *= 1 - keep
    s *= keep
    s += square


def descend(w: np.ndarray, direction: np.ndarray, s: np.ndarray, rate: float, eps: float, scratch: np.ndarray) -> None:
    """Step in place, w <- w - rate direction / (sqrt(s) + eps): equations (6) and (9)."""
    step = np.sqrt(s, out=scratch)
    step += eps
    np.divide(direction, step, out=step)
    step *= rate
    w -= step
