"""Batch norm's mean and variance from one pass: far from zero, and where the first pixel is not like the rest."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minicnn.functional import batchnorm_forward


@pytest.mark.parametrize("first", [0, 1e4])
def test_statistics_of_numbers_far_from_zero(first):
    x = 1e8 + np.random.default_rng(0).normal(size=(50, 4, 5, 3))
    x[0, 0, 0] += first
    _, cache = batchnorm_forward(x, np.ones(3), np.zeros(3))
    assert_allclose(cache.mean, x.mean(axis=(0, 1, 2)), rtol=1e-14)
    assert_allclose(cache.var, x.var(axis=(0, 1, 2)), rtol=1e-7)
