"""Schedules: how the learning rate changes over training.

A schedule is called with e, the epochs done (a fraction inside an epoch), and returns the learning rate. E is the
length of training in `epochs`; past it the last value stays. Three of the four move along half a cosine:

    glide(a, b, u) = c a + (1 - c) b,  c = (1 + cos(pi u)) / 2:  from a at u = 0 to b at u = 1         (1)

    StepDecay      initial * factor^floor(e / every)                                                (2)
    CosineDecay    glide(initial, final, e / E)                                                     (3)
    WarmupCosine   start + (peak - start) e / W                       for e < W = `warmup_epochs`   (4)
                   glide(peak, final, (e - W) / (E - W))              afterwards                    (5)
    OneCycle       glide(peak / rise, peak, e / P)                    for e < P = `peak_at` * E     (6)
                   glide(peak, peak / fall, (e - P) / (E - P))        afterwards                    (7)

    fit(..., epochs=20, callbacks=[ScheduleLearningRate(CosineDecay(0.1, epochs=20))])

Sources: Loshchilov & Hutter, "SGDR", ICLR 2017 (3); Goyal et al., "Accurate, Large Minibatch SGD", 2017 (4);
Smith & Topin, "Super-Convergence", 2019 (6, 7), in PyTorch's form with cosines and the momentum left alone.

>>> from minicnn.schedules import CosineDecay
>>> CosineDecay(0.1, epochs=20)(10)
0.05
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .arguments import checked_number

__all__ = ["CosineDecay", "OneCycle", "StepDecay", "WarmupCosine"]


def glide(start: float, end: float, share: float) -> float:
    """Go from `start` to `end` along half a cosine, equation (1); `share` of the way past 1 stays at `end`."""
    c = (1 + math.cos(math.pi * min(share, 1.0))) / 2
    return c * start + (1 - c) * end  # (1)


@dataclass(frozen=True)
class StepDecay:
    """Multiply the learning rate by `factor` every few epochs, equation (2).

    Parameters
    ----------
    initial : float
        Learning rate at the start, greater than 0.
    factor : float
        Greater than 0, at most 1.
    every : float
        Epochs between two steps, greater than 0.

    Examples
    --------
    >>> from minicnn.schedules import StepDecay
    >>> schedule = StepDecay(0.1, factor=0.5, every=10)
    >>> [schedule(epoch) for epoch in (0, 9.9, 10, 20)]
    [0.1, 0.1, 0.05, 0.025]
    """

    initial: float
    factor: float = 0.1
    every: float = 10

    def __post_init__(self):
        """Check the arguments."""
        checked_number("StepDecay", "initial", self.initial, above=0)
        checked_number("StepDecay", "factor", self.factor, above=0, at_most=1)
        checked_number("StepDecay", "every", self.every, above=0)

    def __call__(self, epoch: float) -> float:
        """Learning rate after `epoch` epochs."""
        checked_number(type(self).__name__, "epoch", epoch, at_least=0)
        return self.initial * self.factor ** math.floor(epoch / self.every)  # (2)


@dataclass(frozen=True)
class CosineDecay:
    """Glide from `initial` to `final` over the whole training, equation (3).

    Parameters
    ----------
    initial : float
        Learning rate at the start, greater than 0.
    epochs : float
        Length of training, greater than 0.
    final : float
        Learning rate at the end, from 0 to `initial`.

    Examples
    --------
    >>> from minicnn.schedules import CosineDecay
    >>> schedule = CosineDecay(0.1, epochs=20)
    >>> [round(schedule(epoch), 4) for epoch in (0, 5, 10, 15, 20)]
    [0.1, 0.0854, 0.05, 0.0146, 0.0]
    """

    initial: float
    epochs: float
    final: float = 0.0

    def __post_init__(self):
        """Check the arguments."""
        checked_number("CosineDecay", "initial", self.initial, above=0)
        checked_number("CosineDecay", "epochs", self.epochs, above=0)
        checked_number("CosineDecay", "final", self.final, at_least=0, at_most=self.initial)

    def __call__(self, epoch: float) -> float:
        """Learning rate after `epoch` epochs."""
        checked_number(type(self).__name__, "epoch", epoch, at_least=0)
        return glide(self.initial, self.final, epoch / self.epochs)  # (3)


@dataclass(frozen=True)
class WarmupCosine:
    """Rise in a straight line to `peak`, then glide to `final`, equations (4) and (5).

    Parameters
    ----------
    peak : float
        Highest learning rate, greater than 0.
    epochs : float
        Length of training with the warm-up, greater than `warmup_epochs`.
    warmup_epochs : float
        Length of the rise, greater than 0.
    start : float
        Learning rate of the very first step, from 0 to `peak`; by default that step changes nothing.
    final : float
        Learning rate at the end, from 0 to `peak`.

    Examples
    --------
    >>> from minicnn.schedules import WarmupCosine
    >>> schedule = WarmupCosine(0.1, epochs=20, warmup_epochs=2)
    >>> [round(schedule(epoch), 4) for epoch in (0, 1, 2, 11, 20)]
    [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    peak: float
    epochs: float
    warmup_epochs: float = 1.0
    start: float = 0.0
    final: float = 0.0

    def __post_init__(self):
        """Check the arguments."""
        checked_number("WarmupCosine", "peak", self.peak, above=0)
        checked_number("WarmupCosine", "warmup_epochs", self.warmup_epochs, above=0)
        checked_number("WarmupCosine", "epochs", self.epochs, above=self.warmup_epochs)
        checked_number("WarmupCosine", "start", self.start, at_least=0, at_most=self.peak)
        checked_number("WarmupCosine", "final", self.final, at_least=0, at_most=self.peak)

    def __call__(self, epoch: float) -> float:
        """Learning rate after `epoch` epochs."""
        checked_number(type(self).__name__, "epoch", epoch, at_least=0)
        if epoch < self.warmup_epochs:
            return self.start + (self.peak - self.start) * epoch / self.warmup_epochs  # (4)
        return glide(self.peak, self.final, (epoch - self.warmup_epochs) / (self.epochs - self.warmup_epochs))  # (5)


@dataclass(frozen=True)
class OneCycle:
    """Glide up to `peak` and down to almost nothing, equations (6) and (7).

    Parameters
    ----------
    peak : float
        Highest learning rate, greater than 0.
    epochs : float
        Length of training, greater than 0.
    peak_at : float
        The share of training after which the peak comes, between 0 and 1.
    rise : float
        Peak over first learning rate, at least 1.
    fall : float
        Peak over last learning rate, at least 1. (PyTorch's `final_div_factor` divides the first learning rate
        instead: fall = div_factor * final_div_factor, 25 * 1e4 by default.)

    Examples
    --------
    >>> from minicnn.schedules import OneCycle
    >>> schedule = OneCycle(0.1, epochs=20)
    >>> [round(schedule(epoch), 4) for epoch in (0, 3, 6, 13, 20)]
    [0.004, 0.052, 0.1, 0.05, 0.0]
    """

    peak: float
    epochs: float
    peak_at: float = 0.3
    rise: float = 25.0
    fall: float = 2.5e5

    def __post_init__(self):
        """Check the arguments."""
        checked_number("OneCycle", "peak", self.peak, above=0)
        checked_number("OneCycle", "epochs", self.epochs, above=0)
        checked_number("OneCycle", "peak_at", self.peak_at, above=0, below=1)
        checked_number("OneCycle", "rise", self.rise, at_least=1)
        checked_number("OneCycle", "fall", self.fall, at_least=1)

    def __call__(self, epoch: float) -> float:
        """Learning rate after `epoch` epochs."""
        checked_number(type(self).__name__, "epoch", epoch, at_least=0)
        peak_epoch = self.peak_at * self.epochs
        if epoch < peak_epoch:
            return glide(self.peak / self.rise, self.peak, epoch / peak_epoch)  # (6)
        return glide(self.peak, self.peak / self.fall, (epoch - peak_epoch) / (self.epochs - peak_epoch))  # (7)
