"""Variances against the formulas, fans, seeds, dtypes and names."""

import numpy as np
import pytest

from minicnn import initializers

DENSE, CONV = (400, 300), (3, 5, 40, 60)
FANS = {DENSE: (400, 300), CONV: (3 * 5 * 40, 3 * 5 * 60)}
VARIANCES = {
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


@pytest.mark.parametrize("shape", [DENSE, CONV], ids=["dense", "conv"])
def test_fans(shape):
    assert initializers.fans(shape) == FANS[shape]


def test_fans_of_a_grouped_kernel_count_the_inputs_of_one_group_and_all_outputs():
    assert initializers.fans((3, 3, 8 // 4, 12)) == (9 * 2, 9 * 12)


@pytest.mark.parametrize("shape", [DENSE, CONV], ids=["dense", "conv"])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("family", VARIANCES)
def test_variance_and_shape_of_the_distribution(family, distribution, shape):
    w = initializers.get(f"{family}_{distribution}")(shape, np.random.default_rng(3), np.float64)
    variance = VARIANCES[family](*FANS[shape])
    assert w.shape == shape and w.dtype == np.float64
    # Standard errors of mean, variance and kurtosis of n normal numbers: s / sqrt(n), s^2 sqrt(2 / n), sqrt(24 / n).
    n = w.size
    assert abs(w.mean()) < 5 * np.sqrt(variance / n)
    assert abs(w.var() / variance - 1) < 5 * np.sqrt(2 / n)
    kurtosis = np.mean(w**4) / np.mean(w**2) ** 2
    assert abs(kurtosis - {"normal": 3, "uniform": 1.8}[distribution]) < 5 * np.sqrt(24 / n)
    largest = np.abs(w).max() / np.sqrt(variance)
    if distribution == "uniform":
        assert np.sqrt(3) * 0.999 < largest <= np.sqrt(3)
    else:
        assert largest > 3.5  # plain: not truncated at two standard deviations


@pytest.mark.parametrize("name", initializers.INITIALIZERS)
def test_same_seed_same_weights_in_either_dtype(name):
    function = initializers.get(name)
    single = function((30, 20), np.random.default_rng(0), np.float32)
    double = function((30, 20), np.random.default_rng(0), np.float64)
    assert single.dtype == np.float32 and double.dtype == np.float64
    np.testing.assert_array_equal(single, double.astype(np.float32))
    np.testing.assert_array_equal(single, function((30, 20), np.random.default_rng(0)))  # float32 is the default
    if name not in ("zeros", "ones"):
        assert np.any(single != function((30, 20), np.random.default_rng(1)))


def test_constants():
    rng = np.random.default_rng(0)
    for name, value in (("zeros", 0), ("ones", 1), ("constant(-0.25)", -0.25)):
        array = initializers.get(name)((3,), rng, np.float32)
        assert array.dtype == np.float32 and array.shape == (3,) and np.all(array == value)


def test_a_constants_name_finds_it_again():
    half = initializers.constant(0.5)
    assert half.__name__ == "constant(0.5)"
    assert np.all(initializers.get(half.__name__)((2, 2)) == 0.5)


def test_a_function_comes_back_as_it_is():
    def mine(shape, rng, dtype):
        return np.ones(shape, dtype)

    assert initializers.get(mine) is mine


@pytest.mark.parametrize("name", ["he", "HE_NORMAL", "", "constant(x)", "constant(nan)", "constant(", "get"])
def test_an_unknown_name_gets_the_list(name):
    with pytest.raises(ValueError, match=r"Unknown initializer.*he_normal, he_uniform, glorot_normal.*zeros, ones"):
        initializers.get(name)


def test_neither_name_nor_function_is_refused():
    with pytest.raises(TypeError, match="function"):
        initializers.get(0.1)


@pytest.mark.parametrize("shape", [(), (5,)])
def test_a_bias_has_no_fans(shape):
    with pytest.raises(ValueError, match='take "zeros"'):
        initializers.he_normal(shape, np.random.default_rng(0))


def test_a_constant_must_be_a_finite_number():
    with pytest.raises(ValueError, match="finite"):
        initializers.constant(float("inf"))
    with pytest.raises(TypeError, match="number"):
        initializers.constant("1")
