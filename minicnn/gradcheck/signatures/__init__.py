"""Mistakes recognised by the numbers alone, whatever the operation and its layout.

One file a family; each function takes a case and an argument's position and yields candidates. To teach the checker a
mistake, write such a function and put it into one of the tuples below.
"""

from __future__ import annotations

from ..candidates import Explanation
from .masks import mask_missing, mask_unscaled, wrong_mask, wrong_slope
from .penalties import regularizer, regularizer_in_part
from .places import another_arguments_gradient, permuted, rearranged
from .ratio import constant_factor, factor_per_channel
from .rounding import rounded_on_the_way
from .statistics import missing_statistics, sums_over_wrong_axes
from .structure import diagonal_jacobian, elementwise_path, outputs_ignored
from .substitution import rearranged_elsewhere
from .terms import input_not_normalized, known_direction, label_term, one_output_ignored
from .upstream import other_use_forgotten, step_forgotten
from .windows import overwritten, spread_over_window, stride_ignored
from .zero import zero_gradient

EXPLANATIONS: tuple[Explanation, ...] = (
    zero_gradient,
    constant_factor,
    factor_per_channel,
    rearranged,
    another_arguments_gradient,
    regularizer,
    regularizer_in_part,
    label_term,
    input_not_normalized,
    missing_statistics,
    sums_over_wrong_axes,
    mask_missing,
    wrong_mask,
    mask_unscaled,
    wrong_slope,
    diagonal_jacobian,
    outputs_ignored,
    stride_ignored,
    overwritten,
    spread_over_window,
    one_output_ignored,
)

# Asked only where nothing else explains the gradient: they take longer, or know less about the mistake.
LAST_RESORTS: tuple[Explanation, ...] = (
    step_forgotten,
    rearranged_elsewhere,
    permuted,
    other_use_forgotten,
    elementwise_path,
    known_direction,
    rounded_on_the_way,
)
