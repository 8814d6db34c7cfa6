"""What goes wrong in the backward pass of a normalization; steps and equations as in normalization.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .normalization import dx_of, mean, mean_of_dx, variance_term
from .operation import Mistake, Values

FULL = "dx = (dx_hat - mean(dx_hat) - x_hat * mean(dx_hat * x_hat)) / std"
ROWS_SCRAMBLED = (
    "dy is brought into rows of channels by reshape alone, which scrambles its numbers: move the channels' axis to the "
    "end first, dy.transpose(0, 2, 3, 1).reshape(-1, C)."
)

OF_TERMS = (
    Mistake(
        "statistics-held-constant",
        "dx_work",
        lambda v: v.direct,
        "the statistics are treated as constants: dx has its direct term only. Mean and variance depend on every x of "
        f"their group: {FULL}.",
    ),
    Mistake(
        "mean-term-missing",
        "dx_work",
        lambda v: v.direct + v.through_var if v.centred else None,
        f"the gradient through the mean is missing: - mean(dx_hat) / std. In full: {FULL}.",
    ),
    Mistake(
        "variance-term-missing",
        "dx_work",
        lambda v: v.direct + v.through_mean if v.centred else None,
        f"the gradient through the variance is missing: - x_hat * mean(dx_hat * x_hat) / std. In full: {FULL}.",
    ),
    Mistake(
        "mean-term-missing",
        "through_mean",
        lambda v: -mean_of_dx(v, v.d) * np.ones(v.shape),
        "the gradient through the mean lacks its 1 / std: dmean = -sum(dx_hat) / std.",
    ),
    Mistake(
        "mean-term-missing",
        "through_mean",
        lambda v: -mean_of_dx(v, v.d) * v.scale**2 * np.ones(v.shape),
        "the gradient through the mean is divided by the variance: dmean = -sum(dx_hat) / std.",
    ),
    Mistake(
        "mean-term-missing",
        "through_mean",
        lambda v: -mean_of_dx(v, v.dy.reshape(v.shape)) * v.scale * np.ones(v.shape),
        "the gradient through the mean is made of dy; it should be made of dx_hat = dy * gamma.",
    ),
    Mistake(
        "variance-term-missing",
        "through_var",
        lambda v: -v.x_hat * mean_of_dx(v, v.dy.reshape(v.shape) * v.x_hat) * v.scale * v.bend,
        "the gradient through the variance is made of dy; it should be made of dx_hat = dy * gamma.",
    ),
    Mistake(
        "uses-input-not-normalized",
        "through_var",
        lambda v: variance_term(v, v.x_work, v.x_hat, v.scale),
        "x stands where x_hat should, in front of the mean of the last term: - x_hat * mean(dx_hat * x_hat) / std.",
    ),
    Mistake(
        "uses-input-not-normalized",
        "through_var",
        lambda v: variance_term(v, v.x_hat, v.x_work, v.scale),
        "x stands where x_hat should, inside the mean of the last term: - x_hat * mean(dx_hat * x_hat) / std.",
    ),
    Mistake(
        "uses-input-not-normalized",
        "through_var",
        lambda v: variance_term(v, v.x_work, v.x_work, v.scale),
        "x stands where x_hat should, twice: - x_hat * mean(dx_hat * x_hat) / std.",
    ),
    Mistake(
        "uses-input-not-normalized",
        "through_var",
        lambda v: variance_term(v, v.deviation, v.x_work, v.scale**3),
        "x stands where x - mean should in the variance's gradient: dvar = sum(dx_hat * (x - mean)) * -0.5 * std**-3.",
    ),
    Mistake(
        "uses-input-not-normalized",
        "through_var",
        lambda v: variance_term(v, v.x_work, v.deviation, v.scale**3),
        "x stands where x - mean should in the variance's share of dx: dvar * 2 * (x - mean) / M.",
    ),
    *(
        Mistake(
            "variance-term-missing",
            "through_var",
            lambda v, power=power: variance_term(v, v.deviation, v.deviation, v.scale**power),
            f"the gradient through the variance has std to the power {-power} where -3 is right: "
            "dvar = sum(dx_hat * (x - mean)) * -0.5 * (var + eps)**-1.5.",
        )
        for power in (0, 1, 2, 4, 6)
    ),
    Mistake(
        "variance-term-missing",
        "through_var",
        lambda v: -v.x_hat * mean_of_dx(v, v.d) * v.scale,
        "the last term has mean(dx_hat) where mean(dx_hat * x_hat) is right.",
        rank=1,
    ),
    Mistake(
        "variance-term-missing",
        "through_var",
        lambda v: -mean_of_dx(v, v.d * v.x_hat) * v.scale * np.ones(v.shape),
        "the last term lacks the x_hat in front of its mean: - x_hat * mean(dx_hat * x_hat) / std.",
        rank=1,
    ),
)

OF_SCALES = (
    Mistake(
        "factor-per-channel",
        "d",
        lambda v: v.dy.reshape(v.shape),
        "gamma is forgotten: the gradient of x_hat is dx_hat = dy * gamma.",
    ),
    Mistake(
        "factor-per-channel",
        "d",
        lambda v: (v.dy / v.gamma).reshape(v.shape),
        "dy is divided by gamma where it should be multiplied: dx_hat = dy * gamma.",
        rank=1,
    ),
    Mistake(
        "factor-per-channel",
        "d",
        lambda v: (v.dy * v.gamma**2).reshape(v.shape),
        "gamma is multiplied twice: dx_hat = dy * gamma, once.",
        rank=1,
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.gamma * dx_of(v, v.dy.reshape(v.shape)).reshape(v.x.shape) if v.gamma_varies else None,
        "gamma multiplies dx at the end, but it varies along the axes of the means and has to be inside them: "
        "dx_hat = dy * gamma first.",
    ),
    *(
        Mistake("factor-per-channel", "scale", wrong, f"{what}: divide by std = sqrt(var + eps).", rank)
        for wrong, what, rank in (
            (lambda v: 1 / v.std**2, "1 / var for 1 / std", 0),
            (lambda v: 1 / np.sqrt(v.var), "eps is forgotten in the std that dx is divided by", 0),
            (lambda v: 1 / (np.sqrt(v.var) + v.eps), "eps is outside the root that dx is divided by", 0),
            (
                lambda v: 1 / np.sqrt(v.var + v.eps),
                "eps is inside the root that dx is divided by, unlike in forward",
                0,
            ),
            (lambda v: v.std, "dx is multiplied by std where it should be divided", 0),
            (lambda v: 1.0, "1 / std is forgotten", 0),
            (lambda v: 1 / v.std**3, "dx is divided by std**3", 1),
            (lambda v: 1 / np.sqrt(v.std), "the root is taken twice", 1),
        )
    ),
)


def _flattened(v: Values, again: bool) -> np.ndarray | None:
    """(N, C, H, W) read as rows of C numbers; x_hat and std as forward had them, or computed again from the rows."""
    channels = v.gamma.size
    if v.gamma.shape[-1] == channels or v.std.size != channels or v.x.ndim < 3:
        return None
    d, x = (a.reshape(-1, channels) for a in (v.dy, v.x))
    std = np.sqrt(x.var(axis=0) + v.eps) if again else v.std.reshape(-1)
    x_hat = (x - x.mean(axis=0)) / std if again else v.x_hat.reshape(-1, channels)
    dx = v.gamma.reshape(-1) / std * (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0))
    return dx.reshape(v.x.shape)


OF_STATISTICS = (
    *(
        Mistake(
            "order-scrambled",
            "dx",
            lambda v, again=again: _flattened(v, again),
            ROWS_SCRAMBLED,
        )
        for again in (False, True)
    ),
    Mistake(
        "statistics-over-wrong-axes",
        "var",
        lambda v: mean(v, v.deviation**2) * (v.count / (v.count - 1) if v.correction == 1 else 1.0),
        "the variance is divided by M - 1 in one pass and by M in the other (np.var takes M, ddof=1 takes M - 1).",
    ),
    Mistake(
        "statistics-over-wrong-axes",
        "scale",
        lambda v: 1 / np.sqrt(mean(v, v.deviation**2) * v.count / (v.count - 1) + v.eps),
        "the std that dx is divided by counts M - 1 where forward counts M.",
    ),
    Mistake(
        "factor-per-channel",
        "std",
        lambda v: np.sqrt(v.var),
        "eps is forgotten in the std of the backward pass: std = sqrt(var + eps).",
    ),
    Mistake(
        "mean-term-missing",
        "deviation",
        lambda v: v.x_work if v.centred else None,
        "x is not centred in the backward pass: x_hat = (x - mean) / std.",
        rank=2,
    ),
)


def _flat_sum(v: Values, a: np.ndarray) -> np.ndarray | None:
    """The sum over rows of channels, as _flattened makes them."""
    channels = v.gamma.size
    if v.gamma.shape[-1] == channels or v.x.ndim < 3 or a.size % channels:
        return None
    return a.reshape(-1, channels).sum(axis=0)


OF_PARAMETERS = (
    *(
        Mistake(
            "order-scrambled",
            step,
            wrong,
            ROWS_SCRAMBLED,
        )
        for step, wrong in (
            ("dgamma", lambda v: _flat_sum(v, v.dy * v.x_hat.reshape(v.x.shape))),
            ("dbeta", lambda v: _flat_sum(v, v.dy)),
        )
    ),
    Mistake(
        "uses-input-not-normalized",
        "x_hat_of_dgamma",
        lambda v: v.x,
        "dgamma is made with x, it should be made with x_hat: dgamma = sum(dy * x_hat).",
    ),
    Mistake(
        "uses-input-not-normalized",
        "x_hat_of_dgamma",
        lambda v: (v.x_work / v.std).reshape(v.x.shape) if v.centred else None,
        "dgamma is made with x / std, the mean is not subtracted: x_hat = (x - mean) / std.",
    ),
    Mistake(
        "factor-per-channel",
        "x_hat_of_dgamma",
        lambda v: v.deviation.reshape(v.x.shape),
        "dgamma is made with x - mean, not divided by std: dgamma = sum(dy * x_hat).",
    ),
    Mistake(
        "factor-per-channel",
        "x_hat_of_dgamma",
        lambda v: (v.deviation / v.std**2).reshape(v.x.shape),
        "dgamma is made with (x - mean) / var, it should be divided by std: dgamma = sum(dy * x_hat).",
    ),
    Mistake(
        "uses-input-not-normalized",
        "x_hat_of_dgamma",
        lambda v: v.y,
        "dgamma is made with the output y, it should be made with x_hat, before gamma and beta.",
    ),
    Mistake(
        "factor-per-channel",
        "x_hat_of_dgamma",
        lambda v: v.gamma * v.x_hat.reshape(v.x.shape),
        "dgamma has a factor gamma too many: y = gamma * x_hat, so that dgamma = sum(dy * x_hat).",
    ),
    Mistake(
        "order-scrambled",
        "dgamma",
        lambda v: v.dy.sum(axis=v.gamma_axes, keepdims=True),
        "this is the gradient of beta: dgamma = sum(dy * x_hat), dbeta = sum(dy); are they returned in this order?",
    ),
    Mistake(
        "order-scrambled",
        "dbeta",
        lambda v: (v.dy * v.x_hat.reshape(v.x.shape)).sum(axis=v.beta_axes, keepdims=True),
        "this is the gradient of gamma: dgamma = sum(dy * x_hat), dbeta = sum(dy); are they returned in this order?",
    ),
    Mistake(
        "factor-per-channel",
        "dbeta",
        lambda v: (v.dy * v.gamma).sum(axis=v.beta_axes, keepdims=True),
        "dbeta has a factor gamma too many: dbeta = sum(dy).",
    ),
)

MISTAKES = OF_TERMS + OF_SCALES + OF_STATISTICS + OF_PARAMETERS


def mistakes_of_axes(axes: tuple[int, ...], others: list[tuple[int, ...]]) -> Iterator[Mistake]:
    """Means over other axes than forward's.

    Parameters
    ----------
    axes : tuple of int
        The right ones.
    others : list of tuple of int
    """
    for wrong in others:
        message = f"the means of dx go over axes {wrong}; forward's statistics go over {axes}."
        yield Mistake("statistics-over-wrong-axes", "axes_of_dx", lambda v, wrong=wrong: wrong, message)
        for step, words in (("through_mean", "mean(dx_hat)"), ("through_var", "mean(dx_hat * x_hat)")):
            yield Mistake(
                "statistics-over-wrong-axes",
                step,
                lambda v, step=step, wrong=wrong: _with_axes(v, step, wrong),
                f"{words} goes over axes {wrong}; forward's statistics go over {axes}.",
            )
        yield Mistake(
            "statistics-over-wrong-axes",
            "x_hat_of_dgamma",
            lambda v, wrong=wrong: _normalized_over(v, wrong),
            f"the x_hat of dgamma is normalized over axes {wrong}, that of forward over {axes}.",
        )


def _with_axes(v: Values, step: str, axes: tuple[int, ...]) -> np.ndarray:
    """The right step, its mean over other axes."""
    other = Values(v.__dict__ | {"axes_of_dx": axes}, v._steps)
    return other.right(step)


def _normalized_over(v: Values, axes: tuple[int, ...]) -> np.ndarray:
    mean = v.x_work.mean(axis=axes, keepdims=True)
    var = ((v.x_work - mean) ** 2).mean(axis=axes, keepdims=True)
    return ((v.x_work - mean) / np.sqrt(var + v.eps)).reshape(v.x.shape)
