"""The state of a model's random generator as an array of six numbers, uint64.

SFC64 has four numbers of 64 bits. Where 32 bits were asked for, half of a fifth is left over for the next time: whether
there is one, and which, are the other two.
"""

from __future__ import annotations

import numpy as np


def rng_array(rng: np.random.Generator) -> np.ndarray:
    """Write down where a generator stands.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    array : uint64 array, shape (6,)

    Raises
    ------
    ValueError
        If it is not an SFC64 generator, as those of all models are.
    """
    state = rng.bit_generator.state
    if state["bit_generator"] != "SFC64":
        raise ValueError(
            "A checkpoint keeps where model.rng stands only for the SFC64 generator that Sequential made, "
            f"got {state['bit_generator']}."
        )
    return np.array([*state["state"]["state"], state["has_uint32"], state["uinteger"]], np.uint64)


def set_rng(rng: np.random.Generator, array: np.ndarray) -> None:
    """Put a generator where `rng_array` found one."""
    rng.bit_generator.state = {
        "bit_generator": "SFC64",
        "state": {"state": array[:4]},
        "has_uint32": int(array[4]),
        "uinteger": int(array[5]),
    }
