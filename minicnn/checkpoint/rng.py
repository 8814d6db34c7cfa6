"""The state of a model's random generator as an array of six numbers, uint64.

SFC64 has four numbers of 64 bits. Where 32 bits were asked for, half of a fifth is left over for the next time: whether
there is one, and which, are the other two.
"""

from __future__ import annotations

import numpy as np


def rng_array(state: dict) -> np.ndarray:
    """Write the state of a generator as an array.

    Parameters
    ----------
    state : dict
        `rng.bit_generator.state`

    Returns
    -------
    array : uint64 array, shape (6,)

    Raises
    ------
    ValueError
        If it is not that of an SFC64 generator, as those of all models are.
    """
    if state["bit_generator"] != "SFC64":
        raise ValueError(
            "A checkpoint keeps where model.rng stands only for the SFC64 generator that Sequential made, "
            f"got {state['bit_generator']}."
        )
    return np.array([*state["state"]["state"], state["has_uint32"], state["uinteger"]], np.uint64)


def rng_state(array: np.ndarray) -> dict:
    """Turn what `rng_array` gave back into a state.

    Raises
    ------
    ValueError
        If the array is no such state.
    """
    if array.shape != (6,) or array.dtype != np.uint64 or array[4] > 1 or array[5] >= 1 << 32:
        raise ValueError("the state of its random generator is none")
    return {
        "bit_generator": "SFC64",
        "state": {"state": array[:4]},
        "has_uint32": int(array[4]),
        "uinteger": int(array[5]),
    }
