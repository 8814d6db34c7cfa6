"""Windows are worked out once for each image and options: what only equals such options must not slip through."""

import numpy as np
import pytest

from minicnn.layers.windows import Windows

IMAGE = 5, 5


@pytest.mark.parametrize("wrong", [True, 1.0, (1, True), [1.0, 1]], ids=repr)
@pytest.mark.parametrize("option", ["stride", "dilation", "padding"])
def test_what_only_equals_a_whole_number_is_refused_after_it_too(option, wrong):
    Windows.on(IMAGE, 3, **{option: 1})
    with pytest.raises(ValueError, match=option):
        Windows.on(IMAGE, 3, **{option: wrong})


@pytest.mark.parametrize("three", [[3, 3], (3, 3), np.int64(3)], ids=repr)
def test_every_form_of_an_option_gives_the_same_windows(three):
    assert Windows.on(IMAGE, three, three, three, three) == Windows.on(IMAGE, 3, 3, 3, 3)


def test_an_image_too_small_is_refused_each_time():
    for _ in range(2):
        with pytest.raises(ValueError, match="The convolution needs images of at least 7x7, got 5x5"):
            Windows.on(IMAGE, 7, caller="The convolution")
