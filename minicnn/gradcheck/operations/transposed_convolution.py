"""Transposed convolutions: the forward pass of one is the way back of a convolution, and the other way round.

With the images of windows.py on the side of y, and weights as in convolution.py:

    y  = crop(scatter(x w^T)) + b                                                                   (1)
    dx = patches w,    dw = patches^T x,    patches = pad(dy)[:, index],    db = sum(dy)            (2)
"""

from __future__ import annotations

import numpy as np

from .convolution import in_groups
from .factors import IMAGES
from .layout import Layout
from .operation import Gradient, Mistake, Operation, Values
from .problem import Problem, is_same
from .rearranged import scrambles
from .windows import Windows


def _patches(v: Values, windows: Windows | None = None, index: np.ndarray | None = None) -> np.ndarray:
    windows = v.windows if windows is None else windows
    return in_groups(windows.pad(v.dy)[:, windows.index if index is None else index], v.groups)


def _ones(v: Values) -> tuple[int, ...]:
    return (1,) * len(v.windows.kernel)


STEPS = {
    "x": lambda v: v.to_outputs(v.x_given),
    "w": lambda v: v.to_weights(v.w_given),
    "dy": lambda v: v.to_images(v.dy_given),
    "dy_given": lambda v: v.dy_of_y,
    "w_of_dx": lambda v: v.w,
    "patches_of_dx": _patches,
    "patches_of_dw": _patches,
    "dx": lambda v: np.einsum("bpkgc,kcgf->bpgf", v.patches_of_dx, v.w_of_dx),
    "dw": lambda v: np.einsum("bpkgc,bpgf->kcgf", v.patches_of_dw, in_groups(v.x, v.groups)),  # (2)
    "db": lambda v: v.dy.sum(axis=(0, 1)),
}


def forward(v: Values) -> np.ndarray:
    """Equation (1) without b: (B, S, C)."""
    patches = np.einsum("bpgf,kcgf->bpkgc", in_groups(v.x, v.groups), v.w)
    return v.windows.crop(v.windows.scatter(patches.reshape(*patches.shape[:3], -1)))


def _turned(v: Values) -> np.ndarray:
    kernel = v.windows.kernel
    return np.flip(v.w.reshape(*kernel, *v.w.shape[1:]), tuple(range(len(kernel)))).reshape(v.w.shape)


MISTAKES = (
    *(
        mistake
        for name in ("dx", "dw")
        for mistake in (
            Mistake(
                "stride-ignored",
                f"patches_of_{name}",
                lambda v: _patches(v, None, v.windows.index_of(_ones(v), v.windows.dilation)),
                f"the stride is ignored in {name}: x[i, j] was spread from y[i * stride, j * stride] on.",
            ),
            Mistake(
                "shifted",
                f"patches_of_{name}",
                lambda v: _patches(v, v.windows.with_padding((0,) * len(v.windows.kernel))),
                f"{name} leaves out the padding: forward cropped it from y, so that dy has to be padded first.",
            ),
        )
    ),
    Mistake("flipped-kernel", "w_of_dx", _turned, "the kernel is turned by 180 degrees in dx: dx = conv(dy, w)."),
    Mistake(
        "transposed",
        "w_of_dx",
        lambda v: v.w.swapaxes(1, 3) if v.w.shape[1] == v.w.shape[3] else None,
        "input channels and filters of w are swapped in dx.",
    ),
    Mistake(
        "overwritten",
        "dw",
        lambda v: np.einsum("bpkgc,bpgf->kcgf", v.patches_of_dw[-1:], in_groups(v.x, v.groups)[-1:]),
        "only the last image's gradient is left in dw: `=` in the loop should be `+=`.",
    ),
)


def operation(problem: Problem, x_at: int, w_at: int, layout: Layout, windows: Windows) -> Operation | None:
    """The operation, if it gives y.

    Parameters
    ----------
    problem : Problem
    x_at, w_at : int
        Positions of the arguments.
    layout, windows : Layout, Windows
        Of the convolution from y to x.
    """
    x, w = problem.arrays[x_at], problem.arrays[w_at]
    given = {
        "x_given": x, "w_given": w, "dy_of_y": problem.dy, "groups": layout.groups, "windows": windows,
        "to_images": layout.images, "to_weights": layout.weights, "to_outputs": layout.outputs,
    }  # fmt: skip
    y = layout.images(problem.y)
    rest = y - forward(Values(given, STEPS))
    others = [k for k in problem.arrays if k not in (x_at, w_at)]
    bias = problem.arrays[others[0]] if others else np.zeros(y.shape[2])
    if bias.size != y.shape[2] or not is_same(rest + y, np.broadcast_to(bias.ravel(), rest.shape) + y):
        return None
    gradients = {
        x_at: Gradient("dx", lambda g: layout.restore_outputs(g, x.shape)),
        w_at: Gradient("dw", layout.restore_weights),
    }
    if others:
        gradients[others[0]] = Gradient("db", lambda g: g.reshape(bias.shape))
    return Operation(
        name=f"a transposed convolution with windows of {windows}",
        given=given,
        steps=STEPS,
        mistakes=(*MISTAKES, *scrambles(problem.y.shape, "dy_given", "dy_of_y", "dy", rank=1)),
        gradients=gradients,
        counts={
            IMAGES: problem.y.shape[0],
            "numbers in a window": int(np.prod(windows.kernel)),
            "positions of x": int(np.prod(windows.output)),
            "pixels of y": int(np.prod(windows.image)),
        },
    )
