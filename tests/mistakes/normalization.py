"""Batch, layer, group and instance norm as one: normalize over some axes of a view of x, then scale and shift.

    x_hat = (x - mean) / std,    y = gamma x_hat + beta                                             (1)
    d = gamma dy,    dx = (d - mean of d - x_hat mean of (d x_hat)) / std                           (2)
    dgamma = sum of dy x_hat,    dbeta = sum of dy,    over all axes along which they are broadcast (3)

The kinds of norm differ in the view, in the axes, and in how gamma and beta are broadcast. All take (x, gamma, beta)
with one gamma and beta a channel. Mistakes in dx are written for the view and planted in every kind of norm.
"""

from dataclasses import dataclass
from functools import wraps

import numpy as np

from .mistake import Operation, mistake

EPS = 1e-5


@dataclass
class Norm:
    """What backward needs; arrays in the shape of the view."""

    x: np.ndarray
    x_hat: np.ndarray
    gamma: np.ndarray
    std: np.ndarray
    axes: tuple
    shape: tuple  # of x
    channels: tuple  # shape of gamma and beta

    def mean(self, a):
        """The mean over the axes of normalization."""
        return a.mean(axis=self.axes, keepdims=True)

    def sum(self, a):
        """The sum over the axes along which gamma is broadcast."""
        broadcast = tuple(k for k, length in enumerate(self.gamma.shape) if length == 1)
        return a.sum(axis=broadcast).reshape(self.channels)


def norm_forward(x, gamma, beta, view, channels, axes):
    """Equation (1): x seen as `view`, gamma and beta as `channels`, normalized over `axes`."""
    v, g = x.reshape(view), gamma.reshape(channels)
    std = np.sqrt(v.var(axis=axes, keepdims=True) + EPS)
    x_hat = (v - v.mean(axis=axes, keepdims=True)) / std
    y = g * x_hat + beta.reshape(channels)
    return y.reshape(x.shape), Norm(v, x_hat, g, std, axes, x.shape, gamma.shape)


def norm_backward(dy, cache):
    d = dy.reshape(cache.x_hat.shape)
    return dx_of_norm(d, cache).reshape(cache.shape), cache.sum(d * cache.x_hat), cache.sum(d)  # (3)


def dx_of_norm(dy, norm):
    d = norm.gamma * dy
    return (d - norm.mean(d) - norm.x_hat * norm.mean(d * norm.x_hat)) / norm.std  # (2)


def in_place_of_dx(wrong):
    """A backward pass whose dx is wrong, from a function of dy and the cache in the shape of the view."""

    @wraps(wrong)
    def backward(dy, cache):
        _, dgamma, dbeta = norm_backward(dy, cache)
        return wrong(dy.reshape(cache.x_hat.shape), cache).reshape(cache.shape), dgamma, dbeta

    return backward


def in_place_of_dgamma(wrong):
    """A backward pass whose dgamma is wrong."""

    @wraps(wrong)
    def backward(dy, cache):
        dx, _, dbeta = norm_backward(dy, cache)
        return dx, wrong(dy.reshape(cache.x_hat.shape), cache), dbeta

    return backward


# ---- the kinds of norm ----


def batch_norm(x, gamma, beta):
    """Over everything but the last axis: (N, C), (N, T, C), (N, H, W, C)."""
    return norm_forward(x, gamma, beta, x.shape, (1,) * (x.ndim - 1) + gamma.shape, tuple(range(x.ndim - 1)))


def batch_norm_first(x, gamma, beta):
    """Over everything but axis 1: (N, C, H, W)."""
    return norm_forward(x, gamma, beta, x.shape, (1, len(gamma), 1, 1), (0, 2, 3))


def layer_norm(x, gamma, beta):
    """Over the last axis: (N, C), (N, T, C)."""
    return norm_forward(x, gamma, beta, x.shape, (1,) * (x.ndim - 1) + gamma.shape, (x.ndim - 1,))


def group_norm(x, gamma, beta, groups=2):
    """Over the pixels and the channels of a group, for each image: (N, H, W, C)."""
    n, h, w, c = x.shape
    return norm_forward(x, gamma, beta, (n, h, w, groups, c // groups), (1, 1, 1, groups, c // groups), (1, 2, 4))


def group_norm_first(x, gamma, beta, groups=2):
    """The same for (N, C, H, W)."""
    n, c, h, w = x.shape
    return norm_forward(x, gamma, beta, (n, groups, c // groups, h, w), (1, groups, c // groups, 1, 1), (2, 3, 4))


def instance_norm(x, gamma, beta):
    """Over the pixels of each channel of each image: (N, C, H, W)."""
    return norm_forward(x, gamma, beta, x.shape, (1, len(gamma), 1, 1), (2, 3))


def draw_axes(channel_axis, even=False):
    """A function that draws x with some axes, and gamma and beta for one of them."""

    def draw(rng, **sizes):
        shape = [2 * size if even and k == channel_axis else size for k, size in enumerate(sizes.values())]
        x = rng.normal(rng.uniform(-1, 1), 1.5, shape)
        return x, rng.uniform(0.5, 2, shape[channel_axis]), rng.normal(size=shape[channel_axis])

    return draw


def kind(name, forward, sizes, channel_axis, even=False):
    return Operation(name, forward, norm_backward, draw_axes(channel_axis, even), sizes)


batch = kind("batch norm", batch_norm, {"n": 8, "c": 5}, 1)
batch_images = kind("batch norm NHWC", batch_norm, {"n": 4, "h": 3, "w": 2, "c": 5}, 3)
batch_first = kind("batch norm NCHW", batch_norm_first, {"n": 4, "c": 5, "h": 3, "w": 2}, 1)
batch_sequences = kind("batch norm of sequences", batch_norm, {"n": 4, "t": 6, "c": 3}, 2)
layer = kind("layer norm", layer_norm, {"n": 4, "c": 7}, 1)
layer_sequences = kind("layer norm of sequences", layer_norm, {"n": 2, "t": 3, "c": 6}, 2)
group = kind("group norm NHWC", group_norm, {"n": 2, "h": 3, "w": 4, "c": 2}, 3, even=True)
group_first = kind("group norm NCHW", group_norm_first, {"n": 2, "c": 2, "h": 3, "w": 4}, 1, even=True)
instance = kind("instance norm", instance_norm, {"n": 3, "c": 4, "h": 5, "w": 2}, 1)

OF_BATCH = (batch, batch_images, batch_first, batch_sequences)
OF_EXAMPLES = (layer, layer_sequences, group, group_first, instance)
EVERY = (*OF_BATCH, *OF_EXAMPLES)


# ---- the statistics depend on x, too ----


@mistake("mean-term-missing", *EVERY)
@in_place_of_dx
def mean_held_constant(dy, norm):
    """Moving one x moves the mean: minus the mean of d."""
    d = norm.gamma * dy
    return (d - norm.x_hat * norm.mean(d * norm.x_hat)) / norm.std


@mistake("variance-term-missing", batch, batch_images, batch_sequences, layer, group_first, instance)
@in_place_of_dx
def variance_held_constant(dy, norm):
    """Moving one x moves the variance: minus x_hat times the mean of d x_hat."""
    d = norm.gamma * dy
    return (d - norm.mean(d)) / norm.std


@mistake("statistics-held-constant", batch, batch_first, layer_sequences, group, instance)
@in_place_of_dx
def mean_and_variance_held_constant(dy, norm):
    """As in evaluation, where the statistics are given numbers."""
    return norm.gamma * dy / norm.std


# ---- over what the statistics were taken ----


@mistake("statistics-over-wrong-axes", batch, batch_first, layer_sequences)
@in_place_of_dx
def sums_for_means(dy, norm):
    """Equation (2) has means in it: the sums were not divided by their count."""
    d = norm.gamma * dy
    count = norm.x_hat.size // norm.std.size
    return (d - count * norm.mean(d) - norm.x_hat * count * norm.mean(d * norm.x_hat)) / norm.std


@mistake("statistics-over-wrong-axes", batch_images, batch_sequences)
@in_place_of_dx
def divided_by_the_batch_alone(dy, norm):
    """A channel of images has N H W values."""
    d = norm.gamma * dy
    pixels = norm.x_hat.size // norm.std.size // len(d)
    return (d - pixels * norm.mean(d) - norm.x_hat * pixels * norm.mean(d * norm.x_hat)) / norm.std


@mistake("statistics-over-wrong-axes", batch_first, batch_sequences)
@in_place_of_dx
def means_over_the_batch_alone(dy, norm):
    """The forward pass took them over rows and columns as well."""
    d = norm.gamma * dy
    return (d - d.mean(axis=0) - norm.x_hat * (d * norm.x_hat).mean(axis=0)) / norm.std


@mistake("statistics-over-wrong-axes", layer, layer_sequences)
@in_place_of_dx
def means_over_the_batch_as_in_batch_norm(dy, norm):
    """Layer norm takes its means over the features of one example."""
    d = norm.gamma * dy
    return (d - d.mean(axis=0) - norm.x_hat * (d * norm.x_hat).mean(axis=0)) / norm.std


@mistake("statistics-over-wrong-axes", batch, batch_sequences)
@in_place_of_dx
def means_over_the_features(dy, norm):
    """Batch norm takes its means over the batch."""
    d = norm.gamma * dy
    return (d - d.mean(axis=-1, keepdims=True) - norm.x_hat * (d * norm.x_hat).mean(axis=-1, keepdims=True)) / norm.std


@mistake("statistics-over-wrong-axes", group, group_first)
@in_place_of_dx
def means_over_one_channel(dy, norm):
    """A group has several channels in common."""
    d = norm.gamma * dy
    pixels = (1, 2) if norm.axes == (1, 2, 4) else (3, 4)
    mean = d.mean(axis=pixels, keepdims=True)
    return (d - mean - norm.x_hat * (d * norm.x_hat).mean(axis=pixels, keepdims=True)) / norm.std


# ---- gamma and std in dx ----


@mistake("factor-per-channel", batch, batch_images, batch_first, instance)
@in_place_of_dx
def gamma_forgotten(dy, norm):
    """y = gamma x_hat gives dx_hat = gamma dy."""
    return dx_of_norm(dy, norm) / norm.gamma


@mistake("factor-per-channel", batch, layer_sequences, group)
@in_place_of_dx
def divided_by_the_variance(dy, norm):
    """x_hat = (x - mean) / std: divide by std once."""
    return dx_of_norm(dy, norm) / norm.std


@mistake("factor-per-channel", batch_sequences)
@in_place_of_dx
def std_forgotten(dy, norm):
    """x_hat = (x - mean) / std: divide by std."""
    return dx_of_norm(dy, norm) * norm.std


@mistake("unrecognized", layer, also=("term-missing",))  # no code is about a factor at the wrong side of a sum
@in_place_of_dx
def gamma_pulled_out_of_the_means(dy, norm):
    """In layer norm gamma differs along the axis of the means, and cannot be pulled out as in batch norm."""
    return norm.gamma * (dy - norm.mean(dy) - norm.x_hat * norm.mean(dy * norm.x_hat)) / norm.std


# ---- gamma and beta ----


@mistake("uses-input-not-normalized", batch, batch_images, batch_first, layer, layer_sequences, group_first)
@in_place_of_dgamma
def dgamma_from_the_input(dy, norm):
    """gamma multiplies x_hat, not x."""
    return norm.sum(dy * norm.x)


@mistake("factor-per-channel", batch, batch_first, also=("uses-input-not-normalized",))  # x - mean is std x_hat
@in_place_of_dgamma
def dgamma_from_the_centred_input(dy, norm):
    """gamma multiplies x_hat = (x - mean) / std."""
    return norm.sum(dy * norm.x_hat * norm.std)


@mistake("factor-batch", batch, layer_sequences)
@in_place_of_dgamma
def dgamma_averaged_over_the_batch(dy, norm):
    """gamma serves every example: the parts add up."""
    return norm.sum(dy * norm.x_hat) / len(dy)


@mistake("factor-constant", batch_images, group)
@in_place_of_dgamma
def dgamma_averaged_over_everything(dy, norm):
    """gamma serves every pixel of every example: the parts add up."""
    return norm.sum(dy * norm.x_hat) * norm.gamma.size / dy.size


@mistake("wrong-shape", batch, batch_first, layer)
@in_place_of_dgamma
def dgamma_not_summed(dy, norm):
    """What is broadcast forward is summed backward."""
    return dy * norm.x_hat


@mistake("wrong-shape", layer, layer_sequences)
@in_place_of_dgamma
def dgamma_summed_over_the_features(dy, norm):
    """There is one gamma a feature: sum over the examples."""
    return (dy * norm.x_hat).sum(axis=-1)


@mistake("upstream-ignored", batch)
@in_place_of_dgamma
def dgamma_without_upstream(dy, norm):
    """dy/dgamma = x_hat is not yet dL/dgamma."""
    return norm.sum(norm.x_hat**2)


@mistake("zero-gradient", batch_images, layer)
@in_place_of_dgamma
def dgamma_left_at_zero(dy, norm):
    """Initialized and never filled."""
    return np.zeros(norm.channels)


@mistake("sign-flipped", batch_first, layer)
@in_place_of_dx
def descends(dy, norm):
    """The optimizer subtracts, not the gradient."""
    return -dx_of_norm(dy, norm)


@mistake("factor-batch", batch, layer)
def gradients_already_averaged(dy, cache):
    """Averaging over the batch is the loss's."""
    return tuple(gradient / len(dy) for gradient in norm_backward(dy, cache))


# ---- RMS norm: no mean, no beta ----


def rms_forward(x, gamma):
    rms = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + EPS)
    return gamma * x / rms, (x, gamma, rms)


def rms_backward(dy, cache):
    x, gamma, rms = cache
    d, x_hat = gamma * dy, x / rms
    dx = (d - x_hat * (d * x_hat).mean(axis=-1, keepdims=True)) / rms
    return dx, (dy * x_hat).sum(axis=tuple(range(dy.ndim - 1)))


def draw_rms(rng, n, t, c):
    return rng.normal(0.5, 1.5, (n, t, c)), rng.uniform(0.5, 2, c)


rms_norm = Operation("RMS norm", rms_forward, rms_backward, draw_rms, {"n": 2, "t": 3, "c": 6})


@mistake("statistics-held-constant", rms_norm, also=("variance-term-missing",))  # it is the only statistic
def rms_held_constant(dy, cache):
    """Moving one x moves the mean square."""
    _, gamma, rms = cache
    return gamma * dy / rms, rms_backward(dy, cache)[1]


@mistake("uses-input-not-normalized", rms_norm)
def dgamma_from_x(dy, cache):
    """gamma multiplies x / rms."""
    x, _, _ = cache
    return rms_backward(dy, cache)[0], (dy * x).sum(axis=(0, 1))


@mistake("statistics-over-wrong-axes", rms_norm)
def mean_square_over_time(dy, cache):
    """The mean runs over the features of one moment."""
    x, gamma, rms = cache
    d, x_hat = gamma * dy, x / rms
    dx = (d - x_hat * (d * x_hat).mean(axis=1, keepdims=True)) / rms
    return dx, rms_backward(dy, cache)[1]
