"""Names for the factors that gradients are wrong by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

NEAR = 1e-6  # relative: a fitted factor so near to a number is that number
IMAGES = "examples in the batch"  # the count whose factor has its own code


@dataclass(frozen=True)
class NamedFactor:
    """A factor in words, such as "8, the number of examples in the batch", with its code; a lower rank is simpler.

    `counted` says whether it is made of counts.
    """

    code: str
    words: str
    rank: int = 0
    counted: bool = True


def name_factor(factor: float, counts: Mapping[str, float]) -> NamedFactor | None:
    """Say what number this is; None if it is 1, or nothing known.

    Parameters
    ----------
    factor : float
    counts : dict of str to number
        What can be counted in the operation, the most common mistakes first.
    """
    if abs(factor - 1) < NEAR or not factor:
        return None
    for number, named in _known(counts):
        if abs(factor - number) < NEAR * abs(number):
            return named
    return None


def _known(counts: Mapping[str, float]) -> Iterator[tuple[float, NamedFactor]]:
    yield -1.0, NamedFactor("sign-flipped", "the factor -1, the sign", 0, False)
    for sign, rank in ((1, 0), (-1, 3)):
        minus = "minus " if sign < 0 else ""
        for what, count in counts.items():
            if count in (0, 1):
                continue
            code = "factor-batch" if what == IMAGES else "factor-constant"
            words = f"{count:.6g}, the number of {what}"
            yield sign * count, NamedFactor(code, f"the factor {minus}{words}", rank)
            yield sign / count, NamedFactor(code, f"the factor {minus}1 / ({words})", rank)
        for number in (2.0, 0.5):
            yield sign * number, NamedFactor("factor-constant", f"the factor {sign * number:g}", rank + 1, False)
        for (one, a), (other, b) in combinations(counts.items(), 2):
            if a > 1 and b > 1:
                for number, how in ((a * b, "x"), (a / b, "/"), (b / a, "inverted /"), (1 / (a * b), "1 / x")):
                    if number != 1:
                        words = f"the factor {sign * number:.6g} (the numbers of {one} and of {other}, {how})"
                        yield sign * number, NamedFactor("factor-constant", words, rank + 2)
