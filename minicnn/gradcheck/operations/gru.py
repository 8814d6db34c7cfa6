"""The cell of a GRU, its weights in any of the usual layouts.

    z = sigmoid(x wxz + h whz + bz),      r = sigmoid(x wxr + h whr + br)                           (1)
    n = tanh(x wxn + (r h) whn + bn)      or, reset behind the product, tanh(x wxn + bn + r (h whn + bhn))    (2)
    y = (1 - u) n + u h,                  u = z, or 1 - z in other books                            (3)

Backward, a standing for what goes into sigmoid and tanh:

    dn = dy (1 - u),  du = dy (h - n),    daz = +-du z (1 - z),  dan = dn (1 - n^2)                 (4)
    dr = h (dan whn^T),                   dar = dr r (1 - r)                                        (5)
    dx = daz wxz^T + dar wxr^T + dan wxn^T                                                          (6)
    dh = dy u + daz whz^T + dar whr^T + r (dan whn^T)                                               (7)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from .activation_tables import sigmoid
from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Step, Term, Terms, Values
from .problem import Problem, is_same

GATES = "zrn"


@dataclass(frozen=True)
class Piece:
    """Where a weight or bias of one gate is: in which argument, which part of it, and whether transposed."""

    at: int
    part: tuple[slice, ...]
    turned: bool = False

    def of(self, problem: Problem) -> np.ndarray:
        """The weight, (in, out), or the bias."""
        a = problem.arrays[self.at]
        a = a.T if self.turned else a
        return a[self.part]


Pieces = dict[str, Piece]  # "xz", "hz", "bz", "cz" (a second bias, of h), ...


def recognise(problem: Problem) -> Iterator[Operation]:
    """The GRU cell that gives y, if there is one."""
    if problem.y.ndim != 2 or len(problem.arrays) < 3 or not problem.hints("gru"):
        return
    states = [k for k, a in problem.arrays.items() if a.shape == problem.y.shape]
    inputs = [k for k, a in problem.arrays.items() if a.ndim == 2 and len(a) == len(problem.y)]
    for h_at in states[:2]:
        for x_at in [k for k in inputs if k != h_at][:2]:
            for pieces in _layouts(problem, x_at, h_at):
                for gates in permutations(GATES):
                    named = {kind + gates[g]: piece for (kind, g), piece in pieces.items()}
                    for reset_behind in (False, True):
                        for flipped in (False, True):
                            found = _operation(problem, x_at, h_at, named, reset_behind, flipped)
                            if found:
                                yield found
                                return


def _layouts(problem: Problem, x_at: int, h_at: int) -> Iterator[dict[tuple[str, int], Piece]]:
    """Which part of which argument is the weight of gate 0, 1 and 2."""
    width, units = problem.arrays[x_at].shape[1], problem.y.shape[1]
    rest = {k: a for k, a in problem.arrays.items() if k not in (x_at, h_at)}
    weights = [k for k, a in rest.items() if a.ndim == 2 and len(a) > 1]
    biases = _biases(rest, [k for k in rest if k not in weights], units)
    if biases is None:
        return
    for x_first in (True, False):
        rows = (slice(0, width), slice(width, None)) if x_first else (slice(units, None), slice(0, units))
        for found in _weights(rest, weights, width, units, rows):
            yield found | biases


def _weights(
    arrays: dict[int, np.ndarray], weights: list[int], width: int, units: int, rows: tuple[slice, slice]
) -> Iterator[dict[tuple[str, int], Piece]]:
    """One matrix for all or one a gate, with the rows of x and h; or those of x and h apart."""
    every, columns = slice(None), [slice(g * units, (g + 1) * units) for g in range(3)]

    def turned(k: int, inputs: int, outputs: int) -> bool:
        return arrays[k].shape != (inputs, outputs)

    def fits(ks: list[int], inputs: int, outputs: int) -> bool:
        return all(sorted(arrays[k].shape) == sorted((inputs, outputs)) for k in ks)

    both = width + units
    if len(weights) == 1 and fits(weights, both, 3 * units):
        k, t = weights[0], turned(weights[0], both, 3 * units)
        yield {(s, g): Piece(k, (row, columns[g]), t) for g in range(3) for s, row in zip("xh", rows, strict=True)}
    elif len(weights) == 3 and fits(weights, both, units):
        yield {
            (s, g): Piece(k, (row, every), turned(k, both, units))
            for g, k in enumerate(weights)
            for s, row in zip("xh", rows, strict=True)
        }
    elif len(weights) == 2:
        for of_x, of_h in (weights, weights[::-1]):
            if fits([of_x], width, 3 * units) and fits([of_h], units, 3 * units):
                yield {("x", g): Piece(of_x, (every, columns[g]), turned(of_x, width, 3 * units)) for g in range(3)} | {
                    ("h", g): Piece(of_h, (every, columns[g]), turned(of_h, units, 3 * units)) for g in range(3)
                }
    elif len(weights) == 6:
        for of_x, of_h in ((weights[::2], weights[1::2]), (weights[:3], weights[3:])):
            if fits(of_x, width, units) and fits(of_h, units, units):
                yield {("x", g): Piece(k, (every, every), turned(k, width, units)) for g, k in enumerate(of_x)} | {
                    ("h", g): Piece(k, (every, every)) for g, k in enumerate(of_h)
                }


def _biases(arrays: dict[int, np.ndarray], biases: list[int], units: int) -> dict[tuple[str, int], Piece] | None:
    """None, one a gate, one for all gates, or one of x and one of h."""
    every = slice(None)
    sizes = {arrays[k].size for k in biases}
    if len(biases) in (0, 3) and sizes <= {units}:
        return {("b", g): Piece(k, (..., every)) for g, k in enumerate(biases)}
    if len(biases) in (1, 2) and sizes == {3 * units}:
        parts = [(..., slice(g * units, (g + 1) * units)) for g in range(3)]
        return {(kind, g): Piece(k, parts[g]) for kind, k in zip("bc", biases, strict=False) for g in range(3)}
    return None


def _affine(gate: str) -> Step:
    return lambda v: v.x @ v[f"x{gate}"] + v.h @ v[f"h{gate}"] + v[f"b{gate}"] + v[f"c{gate}"]


STEPS: dict[str, Step] = {
    "z": lambda v: sigmoid(_affine("z")(v)),
    "r": lambda v: sigmoid(_affine("r")(v)),  # (1)
    "product": lambda v: v.h @ v.hn + v.cn,
    "inner": lambda v: v.r * v.product if v.reset_behind else (v.r * v.h) @ v.hn + v.cn,
    "n": lambda v: np.tanh(v.x @ v.xn + v.bn + v.inner),  # (2)
    "u": lambda v: 1 - v.z if v.flipped else v.z,
    "y": lambda v: (1 - v.u) * v.n + v.u * v.h,  # (3)
    "dn": lambda v: v.dy * (1 - v.u),
    "du": lambda v: v.dy * (v.h - v.n),
    "slope_z": lambda v: v.z * (1 - v.z),
    "slope_r": lambda v: v.r * (1 - v.r),
    "slope_n": lambda v: 1 - v.n**2,
    "daz": lambda v: (-v.du if v.flipped else v.du) * v.slope_z,
    "dan": lambda v: v.dn * v.slope_n,  # (4)
    "dinner": lambda v: v.dan * v.r if v.reset_behind else v.dan,
    "dr": lambda v: v.dan * v.product if v.reset_behind else v.h * (v.dan @ v.hn.T),
    "dar": lambda v: v.dr * v.slope_r,  # (5)
    "xz_part": lambda v: v.daz @ v.xz.T,
    "xr_part": lambda v: v.dar @ v.xr.T,
    "xn_part": lambda v: v.dan @ v.xn.T,
    "dx": Terms(
        xz_part=Term("the path of x through the update gate z"),
        xr_part=Term("the path of x through the reset gate r"),
        xn_part=Term("the path of x through the candidate n"),
    ),  # (6)
    "direct": lambda v: v.dy * v.u,
    "hz_part": lambda v: v.daz @ v.hz.T,
    "hr_part": lambda v: v.dar @ v.hr.T,
    "hn_part": lambda v: v.dinner @ v.hn.T if v.reset_behind else v.r * (v.dan @ v.hn.T),
    "dh": Terms(
        direct=Term("the direct path of h, dy * z,"),
        hz_part=Term("the path of h through the update gate z"),
        hr_part=Term("the path of h through the reset gate r"),
        hn_part=Term("the path of h through the candidate n"),
    ),  # (7)
    "state_of_n": lambda v: v.h if v.reset_behind else v.r * v.h,
    **{f"dx{g}": lambda v, g=g: v.x.T @ getattr(v, f"da{g}") for g in GATES},
    **{f"dh{g}": lambda v, g=g: v.h.T @ getattr(v, f"da{g}") for g in "zr"},
    "dhn": lambda v: v.state_of_n.T @ v.dinner,
    **{f"db{g}": lambda v, g=g: getattr(v, f"da{g}").sum(axis=0) for g in GATES},
    **{f"dc{g}": lambda v, g=g: getattr(v, f"da{g}").sum(axis=0) for g in "zr"},
    "dcn": lambda v: v.dinner.sum(axis=0),
}


def _forgotten(step: str, wrong: Step, message: str, code: str = "term-missing", rank: int = 0) -> Mistake:
    return Mistake(code, step, wrong, message, rank)


MISTAKES = (
    *(
        _forgotten(f"slope_{g}", lambda v: np.ones_like(v.z), f"the slope of gate {g}, {slope}, is missing.")
        for g, slope in (("z", "z * (1 - z)"), ("r", "r * (1 - r)"), ("n", "1 - n^2"))
    ),
    _forgotten("slope_n", lambda v: v.n * (1 - v.n), "the slope of n is 1 - n^2, that of tanh.", "unrecognized", 30),
    _forgotten("slope_z", lambda v: 1 - v.z**2, "the slope of z is z * (1 - z), that of sigmoid.", "unrecognized", 30),
    _forgotten("slope_r", lambda v: 1 - v.r**2, "the slope of r is r * (1 - r), that of sigmoid.", "unrecognized", 30),
    _forgotten("dn", lambda v: v.dy, "the factor of n in y is missing: dn = dy * (1 - z)."),
    _forgotten("dn", lambda v: v.dy * v.u, "z and 1 - z are mixed up in dn: n has the factor 1 - z in y."),
    _forgotten("direct", lambda v: v.dy * (1 - v.u), "z and 1 - z are mixed up in dh: h has the factor z in y."),
    _forgotten("direct", lambda v: v.dy, "the factor of h in y is missing: dh = dy * z + ..."),
    _forgotten("du", lambda v: -v.right("du"), "dz has the wrong sign: dz = dy * (h - n).", "sign-flipped"),
    _forgotten("du", lambda v: v.dy * v.h, "the part of n is missing in dz: dz = dy * (h - n)."),
    _forgotten("du", lambda v: -v.dy * v.n, "the part of h is missing in dz: dz = dy * (h - n)."),
    _forgotten("dr", lambda v: v.dan @ v.hn.T, "the factor h is missing in dr: dr = (dan @ whn.T) * h."),
    _forgotten("hn_part", lambda v: v.dan @ v.hn.T, "the factor r is missing in dh: (dan @ whn.T) * r."),
    _forgotten("dinner", lambda v: v.dan if v.reset_behind else None, "the factor r is missing: dan * r."),
    _forgotten(
        "state_of_n",
        lambda v: None if v.reset_behind else v.h,
        "the candidate's weights see h, they should see r * h, as in forward.",
        "unrecognized",
        30,
    ),
    *(
        _forgotten(
            f"{s}{g}_part",
            lambda v, s=s, g=g: getattr(v, f"da{g}") @ v[f"{s}{g}"] if s == "h" else None,
            f"the weights of gate {g} are not transposed on the way back.",
            "transposed",
        )
        for s, g in (("h", "z"), ("h", "r"))
    ),
)


def _operation(
    problem: Problem, x_at: int, h_at: int, pieces: Pieces, reset_behind: bool, flipped: bool
) -> Operation | None:
    """The operation, if it gives y."""
    given = {"x": problem.arrays[x_at], "h": problem.arrays[h_at], "dy": problem.dy}
    given |= {"reset_behind": reset_behind, "flipped": flipped, **{f"{kind}{g}": 0.0 for kind in "bc" for g in GATES}}
    given |= {name: piece.of(problem) for name, piece in pieces.items()}
    try:
        if not is_same(Values(given, STEPS).y, problem.y):
            return None
    except ValueError:
        return None
    steps, gradients = dict(STEPS), {x_at: Gradient("dx"), h_at: Gradient("dh")}
    for at in {piece.at for piece in pieces.values()}:
        mine = {name: piece for name, piece in pieces.items() if piece.at == at}
        steps[f"argument {at}"] = lambda v, at=at, mine=mine: _together(v, problem.arrays[at].shape, mine)
        gradients[at] = Gradient(f"argument {at}")
    return Operation(
        name=f"the cell of a GRU, reset {'behind' if reset_behind else 'before'} the product",
        given=given,
        steps=steps,
        mistakes=MISTAKES,
        gradients=gradients,
        counts={IMAGES: len(problem.y)},
    )


def _together(v: Values, shape: tuple[int, ...], pieces: Pieces) -> np.ndarray:
    """The gradient of an argument from those of its parts."""
    total = np.zeros(shape)
    for name, piece in pieces.items():
        (total.T if piece.turned else total)[piece.part] = getattr(v, f"d{name}")
    return total
