"""Recognise a convolution or a dense layer: its layout, stride, padding, dilation and groups.

Forward is asked itself. Let w be 1 at one place (a tap) and 0 elsewhere, and let x hold the numbers 1, 2, 3, ...: then
each entry of y says which entry of x it sees through this tap. Along axis k,

    x_k = stride y_k + dilation tap - padding                                                       (1)

so that one tap shows the strides, and the next tap along each axis of w shows what that axis is: another entry of x
along the channels (input channels), or along an image axis (a kernel axis), or another channel of y (filters).
Whether all this is right is seen by computing y from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from . import transposed_convolution
from .convolution import MISTAKES, STEPS, forward
from .factors import IMAGES
from .layout import Layout
from .operation import Gradient, Mistake, Operation, Values
from .problem import Problem, is_same
from .rearranged import crops, forgetful_sums, recolumns, regroupings, scrambles, sums
from .windows import Windows

MOST_AXES = 5
MOST_PATCH_ENTRIES = 300_000


def recognise(problem: Problem) -> Iterator[Operation]:
    """The convolution or dense layer that gives y, if there is one."""
    if not problem.hints("conv", "dense", "linear", "affine") or not 2 <= len(problem.arrays) <= 3:
        return
    for x_at, w_at in permutations(problem.arrays, 2):
        x, y = problem.arrays[x_at], problem.y
        if not 1 <= y.ndim <= MOST_AXES:
            return
        for x_shape, y_shape in _with_channels(x.shape, y.shape):
            for turned, build in ((False, _operation), (True, transposed_convolution.operation)):
                if turned and len(x.shape) != len(y.shape):
                    continue  # an outer product would be one
                found = _Probe(problem, x_at, w_at, x_shape, y_shape, turned).look()
                operation = found and build(problem, x_at, w_at, *found)
                if operation:
                    yield operation
                    return


def _with_channels(x: tuple[int, ...], y: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Both shapes with as many axes; an axis of one channel put in where it was left out."""
    if len(x) == len(y):
        yield x, y
    elif len(x) == len(y) - 1:
        yield from (((*x[:k], 1, *x[k:]), y) for k in range(len(y) - 1, -1, -1))
    elif len(y) == len(x) - 1:
        yield from ((x, (*y[:k], 1, *y[k:])) for k in range(len(x) - 1, -1, -1))


@dataclass(frozen=True)
class _Seen:
    """Through one tap: places in y that see something, and the places in x that they see; (M, axes) each.

    Of a transposed convolution the other way round: it is a convolution from y to x.
    """

    of_y: np.ndarray
    of_x: np.ndarray


class _Probe:
    """Forward, asked through single taps."""

    def __init__(
        self,
        problem: Problem,
        x_at: int,
        w_at: int,
        x_shape: tuple[int, ...],
        y_shape: tuple[int, ...],
        turned: bool = False,
    ):
        self.problem, self.x_at, self.w_at, self.turned = problem, x_at, w_at, turned
        self.x_shape, self.y_shape = (y_shape, x_shape) if turned else (x_shape, y_shape)
        self.w_shape = problem.arrays[w_at].shape
        self.base = tuple(length // 2 for length in self.w_shape)

    def look(self) -> tuple[Layout, Windows] | None:
        """What the axes are, and how the windows lie; None if this is no convolution."""
        base = self.tap(self.base)
        if base is None:
            return None
        strides = [_slope(base.of_y[:, k], base.of_x[:, k]) for k in range(len(self.x_shape))]
        roles = [self.role(axis, base) for axis in range(len(self.w_shape))]
        if any(role is None for role in roles):
            return None
        moved = [role[1] for role in roles if role[0] == "filters"]
        if len(set(moved)) > 1:
            return None
        channel = moved[0] if moved else self.guess_channel(roles)
        kernel: dict[int, int] = {}
        inputs, filters, dilation = [], [], {}
        for axis, (kind, k, step) in enumerate(roles):
            if kind == "filters":
                filters.append((-step, axis))
            elif kind == "none" or k == channel:
                inputs.append(axis)
            elif k in kernel:
                return None
            else:
                kernel[k], dilation[k] = axis, step
        return self.assemble(base, strides, channel, kernel, dilation, inputs, [a for _, a in sorted(filters)])

    def tap(self, *places: tuple[int, ...]) -> _Seen | None:
        """Ask through these taps at once."""
        w, x = np.zeros(self.w_shape), np.arange(1.0, 1 + self.problem.arrays[self.x_at].size)
        for place in places:
            w[place] = 1.0
        others = {k: np.zeros_like(a) for k, a in self.problem.arrays.items()}
        y = self.problem.ask({**others, self.x_at: x.reshape(self.problem.arrays[self.x_at].shape), self.w_at: w})
        if y is None or not np.all((y >= 0) & (y <= x.size) & (y == np.round(y))) or not y.any():
            return None
        x_shape, y_shape = (self.y_shape, self.x_shape) if self.turned else (self.x_shape, self.y_shape)
        y = y.reshape(y_shape)
        of_y, of_x = np.argwhere(y > 0), np.stack(np.unravel_index(y[y > 0].astype(int) - 1, x_shape), axis=1)
        return _Seen(of_x, of_y) if self.turned else _Seen(of_y, of_x)

    def role(self, axis: int, base: _Seen) -> tuple[str, int, int] | None:
        """What happens at the next tap along this axis: ("filters" or "places", axis of y or x, by how much)."""
        if self.w_shape[axis] == 1:
            return "none", -1, 0
        step = 1 if self.base[axis] + 1 < self.w_shape[axis] else -1
        place = tuple(b + step * (k == axis) for k, b in enumerate(self.base))
        seen = self.tap(place)
        if seen is None:
            return None
        for k in range(len(self.y_shape)):
            here, there = set(base.of_y[:, k].tolist()), set(seen.of_y[:, k].tolist())
            if len(here) == len(there) == 1 and here != there:
                return "filters", k, step * (there.pop() - here.pop())
        before = {tuple(y): x for y, x in zip(base.of_y.tolist(), base.of_x, strict=True)}
        after = {tuple(y): x for y, x in zip(seen.of_y.tolist(), seen.of_x, strict=True)}
        moves = {tuple((after[y] - before[y]).tolist()) for y in before.keys() & after.keys()}
        if len(moves) != 1:
            return None
        (move,) = moves
        if np.count_nonzero(move) != 1:
            return None
        k = int(np.flatnonzero(move)[0])
        return "places", k, step * move[k]

    def guess_channel(self, roles: list[tuple[str, int, int]]) -> int | None:
        """The channels' axis where there is one filter only: y has length 1 there, and w all of x's channels."""
        lengths = {k: self.w_shape[axis] for axis, (kind, k, _) in enumerate(roles) if kind == "places"}
        ends = [len(self.x_shape) - 1, 1, *range(len(self.x_shape))]
        for k in ends:
            if k < len(self.y_shape) and self.y_shape[k] == 1 and lengths.get(k, 1) == self.x_shape[k]:
                return k
        return None

    def assemble(
        self,
        base: _Seen,
        strides: list[float | None],
        channel: int | None,
        kernel: dict[int, int],
        dilation: dict[int, int],
        inputs: list[int],
        filters: list[int],
    ) -> tuple[Layout, Windows] | None:
        """Put together what was seen."""
        batch, space, options = [], [], []
        for k in range(len(self.x_shape)):
            if k == channel:
                continue
            stride, d = strides[k] or 1, dilation.get(k, 1)
            tap = self.base[kernel[k]] if k in kernel else 0
            padding = np.unique(stride * base.of_y[:, k] + d * tap - base.of_x[:, k])  # (1)
            if stride != int(stride) or len(padding) != 1 or padding[0] < 0 or d < 1:
                return None
            before = int(padding[0])
            if k in kernel or stride != 1 or before or self.x_shape[k] != self.y_shape[k]:
                space.append(k)
                options.append((int(stride), d, before))
            else:
                batch.append(k)
        stride, dilation_, before = zip(*options, strict=True) if options else ((), (), ())
        windows = Windows(
            image=tuple(self.x_shape[k] for k in space),
            kernel=tuple(self.w_shape[kernel[k]] if k in kernel else 1 for k in space),
            output=tuple(self.y_shape[k] for k in space),
            stride=stride,
            dilation=dilation_,
            before=before,
        )
        channels = 1 if channel is None else self.x_shape[channel]
        own = int(np.prod([self.w_shape[k] for k in inputs]))
        if channels % own:
            return None
        layout = Layout(
            x_shape=self.x_shape,
            y_shape=self.y_shape,
            batch=batch,
            space=space,
            channel=channel,
            w_shape=self.w_shape,
            kernel=[kernel.get(k) for k in space],
            inputs=inputs,
            filters=filters,
            groups=channels // own,
        )
        return layout, windows


def _slope(y: np.ndarray, x: np.ndarray) -> float | None:
    """Stride: by how much x moves on when y moves on by one; None if y does not move."""
    first, last = y.argmin(), y.argmax()
    return float((x[last] - x[first]) / (y[last] - y[first])) if y[last] > y[first] else None


def _operation(problem: Problem, x_at: int, w_at: int, layout: Layout, windows: Windows) -> Operation | None:
    """The operation, if it gives y."""
    x, w, y = problem.arrays[x_at], problem.arrays[w_at], problem.y
    filters = 1 if layout.channel is None else layout.y_shape[layout.channel]
    places = x.size * int(np.prod(windows.kernel))
    if places > MOST_PATCH_ENTRIES or filters % layout.groups or w.size % (filters or 1):
        return None
    given = {
        "x_given": x, "w_given": w, "dy_of_y": problem.dy, "groups": layout.groups, "windows": windows,
        "to_images": layout.images, "to_weights": layout.weights, "to_outputs": layout.outputs,
    }  # fmt: skip
    y_here = layout.outputs(y)
    rest = y_here - forward(Values(given, STEPS))
    gradients = {
        x_at: Gradient("dx", lambda g: layout.restore_images(g, x.shape)),
        w_at: Gradient("dw", layout.restore_weights),
    }
    others = [k for k in problem.arrays if k not in gradients]
    bias = problem.arrays[others[0]] if others else np.zeros(filters)
    if bias.size != filters or not is_same(rest + y_here, np.broadcast_to(bias.ravel(), rest.shape) + y_here):
        return None
    if others:
        gradients[others[0]] = Gradient("db", lambda g: g.reshape(bias.shape))
    return Operation(
        name=_name(layout, windows),
        given=given,
        steps=STEPS,
        mistakes=tuple(_mistakes(problem, layout, windows, bias)),
        gradients=gradients,
        counts=_counts(problem, layout, windows),
    )


def _counts(problem: Problem, layout: Layout, windows: Windows) -> dict[str, float]:
    """What can be counted."""
    y_shape, positions = layout.y_shape, int(np.prod(windows.output))
    examples = int(np.prod([y_shape[k] for k in layout.batch]))
    return {
        IMAGES: problem.y.shape[0],
        "rows of x": examples,
        "output positions": positions,
        "images times positions": examples * positions,
        "numbers in a window": int(np.prod(windows.kernel)),
        "filters": 1 if layout.channel is None else y_shape[layout.channel],
        "input channels": 1 if layout.channel is None else layout.x_shape[layout.channel],
        "pixels": int(np.prod(windows.image)),
        **{f"entries of y along axis {k}": length for k, length in enumerate(problem.y.shape)},
    }


def _mistakes(problem: Problem, layout: Layout, windows: Windows, bias: np.ndarray) -> Iterator[Mistake]:
    yield from MISTAKES
    yield from crops(windows)
    yield from forgetful_sums([*layout.batch, *layout.space] if problem.y.shape == layout.y_shape else [0])
    yield from regroupings(layout.groups)
    yield from recolumns(windows)
    yield from sums(problem.y.shape, bias.shape)
    yield from scrambles(problem.y.shape, "dy_given", "dy_of_y", "dy", rank=1)


def _name(layout: Layout, windows: Windows) -> str:
    if not windows.kernel:
        return "a dense layer, y = x w + b"
    groups = f", {layout.groups} groups" if layout.groups > 1 else ""
    channels = "no channels" if layout.channel is None else f"channels on axis {layout.channel}"
    filters = f", filters of w on axis {layout.filters[0]}" if layout.filters else ""
    axes = channels + filters
    return f"a convolution with windows of {windows}{groups} ({axes})"
