"""The reference: `loops` against numbers worked out by hand and finite differences, the others against `loops`."""

import copy
import inspect
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from reference_cases import CALLS

from minicnn import functional
from minicnn.reference import loops, vectorized
from minicnn.reference.geometry import lay_pooling_windows, lay_windows

IMPLEMENTATIONS = [vectorized, functional]  # each is compared with `loops`

every_name = pytest.mark.parametrize("name", CALLS)
every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS, ids=lambda module: module.__name__)
loops_too = pytest.mark.parametrize("lib", [loops, *IMPLEMENTATIONS], ids=lambda module: module.__name__)


def examples(count):
    return settings(derandomize=True, deadline=None, max_examples=count, database=None)


def assert_agrees(actual, expected, tolerance):
    """Compare type, dtype, shape and every number; the tolerance is a share of the largest number expected."""
    assert type(actual) is type(expected)
    assert np.asarray(actual).dtype == np.asarray(expected).dtype
    assert np.shape(actual) == np.shape(expected)
    scale = max(1.0, float(np.max(np.abs(expected))))
    assert np.max(np.abs(actual - expected)) <= tolerance * scale


def assert_call_agrees(call, implementation, tolerance):
    y, gradients = call.run(implementation)
    expected_y, expected_gradients = call.run(loops)
    assert_agrees(y, expected_y, tolerance)
    assert len(gradients) == len(expected_gradients)
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        assert_agrees(gradient, expected, tolerance)


# --- Implementations against the loops --------------------------------------------------------------------------------


@every_implementation
@every_name
@examples(80)
@given(data=st.data())
def test_agrees_with_loops_in_float64(implementation, name, data):
    assert_call_agrees(data.draw(CALLS[name]), implementation, 1e-12)


@every_implementation
@every_name
@examples(8)
@given(data=st.data())
def test_agrees_with_loops_in_float32(implementation, name, data):
    assert_call_agrees(data.draw(CALLS[name]).as_float32(), implementation, 1e-5)


@every_implementation
@every_name
def test_signature_is_that_of_loops(implementation, name):
    def arguments(lib):
        parameters = inspect.signature(getattr(lib, f"{name}_forward")).parameters.values()
        return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]

    assert arguments(implementation) == arguments(loops)


# --- What holds for each, the loops too -------------------------------------------------------------------------------


@loops_too
@every_name
@examples(3)
@given(data=st.data())
def test_gradients_have_shape_and_dtype_of_their_argument(lib, name, data):
    call = data.draw(CALLS[name]).as_float32()
    y, gradients = call.run(lib)
    assert isinstance(y, float) or y.dtype == np.float32
    for argument, gradient in zip(call.differentiated, gradients, strict=True):
        assert (gradient.shape, gradient.dtype) == (call.arguments[argument].shape, np.float32)


@loops_too
@every_name
@examples(3)
@given(data=st.data())
def test_backward_is_repeatable_and_nothing_is_modified(lib, name, data):
    call = data.draw(CALLS[name])
    y, cache = call.forward(lib)
    dy = call.dy(y)
    before = copy.deepcopy((call.arrays, dy, y))
    gradients = call.backward(lib, dy, cache)
    for gradient, again in zip(gradients, call.backward(lib, dy, cache), strict=True):
        assert_array_equal(gradient, again)
    for now, then in zip((*call.arrays, dy, y), (*before[0], *before[1:]), strict=True):
        assert_array_equal(now, then)


@every_name
@examples(5)
@given(data=st.data())
def test_loops_agree_with_finite_differences(name, data):
    """In a random direction v of each argument: <dv, v> = (L(a + h v) - L(a - h v)) / 2h for L = sum of dy y."""
    call, rng, h = data.draw(CALLS[name]), np.random.default_rng(2), 1e-5
    for argument in call.differentiated:  # away from ties and from zero, where there is no derivative
        value = call.arguments[argument]
        call = call.replaced(**{argument: value + 0.1 * rng.standard_normal(value.shape)})
    y, gradients = call.run(loops)
    for argument, gradient in zip(call.differentiated, gradients, strict=True):
        value, v = call.arguments[argument], rng.standard_normal(gradient.shape)
        ahead, behind = (call.replaced(**{argument: value + step * v}).forward(loops)[0] for step in (h, -h))
        numeric = np.sum(call.dy(y) * (ahead - behind)) / (2 * h)
        analytic = np.sum(gradient * v)
        assert abs(numeric - analytic) <= 1e-7 * max(1.0, abs(analytic)), argument


# --- Convolution by hand ----------------------------------------------------------------------------------------------


def image(rows):
    """One image with one channel, (1, H, W, 1)."""
    return np.array(rows, float)[None, :, :, None]


def kernel(rows):
    """One filter of one channel, (KH, KW, 1, 1)."""
    return np.array(rows, float)[:, :, None, None]


NINE = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])


@loops_too
def test_conv2d(lib):
    y, cache = lib.conv2d_forward(NINE, kernel([[1, 2], [3, 4]]), np.array([0.5]))
    # Top left: 1*1 + 2*2 + 3*4 + 4*5 = 37, not 1*4 + 2*3 + 3*2 + 4*1 of a flipped kernel.
    assert_array_equal(y, image([[37, 47], [67, 77]]) + 0.5)
    dx, dw, db = lib.conv2d_backward(image([[1, 0], [0, 10]]), cache)
    assert_array_equal(dx, image([[1, 2, 0], [3, 4 + 10, 20], [0, 30, 40]]))
    assert_array_equal(dw, kernel([[1 + 50, 2 + 60], [4 + 80, 5 + 90]]))
    assert_array_equal(db, [11])


@loops_too
def test_conv2d_without_bias_has_no_bias_gradient(lib):
    y, cache = lib.conv2d_forward(NINE, kernel([[1]]))
    assert lib.conv2d_backward(y, cache)[2] is None


@loops_too
def test_conv2d_same_padding_puts_the_odd_cell_at_the_bottom_right(lib):
    y, _ = lib.conv2d_forward(image([[1, 2], [3, 4]]), kernel([[1, 1], [1, 1]]), padding="same")
    assert_array_equal(y, image([[10, 6], [7, 4]]))


@loops_too
def test_conv2d_stride_and_dilation(lib):
    x, w = image([[1, 2, 3, 4, 5]]), kernel([[1, 10]])
    assert_array_equal(lib.conv2d_forward(x, w, dilation=2)[0], image([[31, 42, 53]]))
    assert_array_equal(lib.conv2d_forward(x, w, stride=2)[0], image([[21, 43]]))
    assert_array_equal(lib.conv2d_forward(x, w, stride=(1, 2), dilation=(1, 2))[0], image([[31, 53]]))
    assert_array_equal(lib.conv2d_forward(x, w, padding=((0, 0), (1, 0)))[0], image([[10, 21, 32, 43, 54]]))


@loops_too
def test_conv2d_groups_see_their_own_channels(lib):
    x = np.array([3.0, 5.0]).reshape(1, 1, 1, 2)
    w = np.array([1.0, 2.0, 10.0, 20.0]).reshape(1, 1, 1, 4)
    y, cache = lib.conv2d_forward(x, w, groups=2)
    assert_array_equal(y.ravel(), [3, 6, 50, 100])
    dx, dw, _ = lib.conv2d_backward(np.ones_like(y), cache)
    assert_array_equal(dx.ravel(), [1 + 2, 10 + 20])
    assert_array_equal(dw.ravel(), [3, 3, 5, 5])


# --- Pooling by hand --------------------------------------------------------------------------------------------------


@loops_too
def test_max_pool2d_adds_the_gradients_of_overlapping_windows(lib):
    y, cache = lib.max_pool2d_forward(image([[1, 2, 3], [4, 9, 6], [7, 8, 5]]), stride=1)
    assert_array_equal(y, image([[9, 9], [9, 9]]))
    dx = lib.max_pool2d_backward(image([[1, 2], [3, 4]]), cache)
    assert_array_equal(dx, image([[0, 0, 0], [0, 10, 0], [0, 0, 0]]))


@loops_too
def test_max_pool2d_gives_a_tie_to_the_first(lib):
    y, cache = lib.max_pool2d_forward(image([[1, 7], [7, 7]]))
    assert_array_equal(lib.max_pool2d_backward(y, cache), image([[0, 7], [0, 0]]))


@loops_too
def test_max_pool2d_padding_never_wins(lib):
    y, cache = lib.max_pool2d_forward(image([[-1, -2], [-3, -4]]), padding=1)
    assert_array_equal(y, image([[-1, -2], [-3, -4]]))
    assert_array_equal(lib.max_pool2d_backward(y, cache), y)


@loops_too
def test_max_pool2d_passes_nan_on(lib):
    assert np.isnan(lib.max_pool2d_forward(image([[1, np.nan], [2, 3]]))[0]).all()


@loops_too
def test_avg_pool2d(lib):
    y, cache = lib.avg_pool2d_forward(NINE, pool_size=(2, 3), stride=1)
    assert_array_equal(y, image([[21 / 6], [39 / 6]]))
    dx = lib.avg_pool2d_backward(image([[6], [12]]), cache)
    assert_array_equal(dx, image([[1, 1, 1], [3, 3, 3], [2, 2, 2]]))


@loops_too
def test_avg_pool2d_does_not_count_padding(lib):
    y, cache = lib.avg_pool2d_forward(image([[1, 2], [3, 4]]), stride=1, padding=1)
    assert_array_equal(y, image([[1, 1.5, 2], [2, 2.5, 3], [3, 3.5, 4]]))
    dx = lib.avg_pool2d_backward(np.ones_like(y), cache)
    assert_array_equal(dx, np.full((1, 2, 2, 1), 1 + 1 / 2 + 1 / 2 + 1 / 4))


@loops_too
def test_global_avg_pool2d_and_flatten(lib):
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    y, cache = lib.global_avg_pool2d_forward(x)
    assert_array_equal(y, [[(0 + 2 + 4 + 6) / 4, (1 + 3 + 5 + 7) / 4]])
    assert_array_equal(lib.global_avg_pool2d_backward(np.array([[4.0, 8.0]]), cache)[0, 1, 0], [1, 2])
    y, cache = lib.flatten_forward(x)
    assert_array_equal(y, [[0, 1, 2, 3, 4, 5, 6, 7]])
    assert_array_equal(lib.flatten_backward(y, cache), x)


# --- The rest by hand -------------------------------------------------------------------------------------------------


@loops_too
def test_dense(lib):
    y, cache = lib.dense_forward(np.array([[1.0, 2.0]]), np.array([[1.0, 10.0, 0.0], [3.0, 0.0, 5.0]]), np.ones(3))
    assert_array_equal(y, [[1 + 6 + 1, 10 + 1, 10 + 1]])
    dx, dw, db = lib.dense_backward(np.array([[1.0, 2.0, 3.0]]), cache)
    assert_array_equal(dx, [[1 + 20, 3 + 15]])
    assert_array_equal(dw, [[1, 2, 3], [2, 4, 6]])
    assert_array_equal(db, [1, 2, 3])


@loops_too
def test_activations_at_zero(lib):
    x, dy = np.array([[-2.0, 0.0, 2.0]]), np.ones((1, 3))
    y, cache = lib.relu_forward(x)
    assert_array_equal(y, [[0, 0, 2]])
    assert_array_equal(lib.relu_backward(dy, cache), [[0, 0, 1]])
    y, cache = lib.leaky_relu_forward(x, negative_slope=0.5)
    assert_array_equal(y, [[-1, 0, 2]])
    assert_array_equal(lib.leaky_relu_backward(dy, cache), [[0.5, 0.5, 1]])
    y, cache = lib.sigmoid_forward(np.zeros((1, 1)))
    assert (y.item(), lib.sigmoid_backward(np.ones((1, 1)), cache).item()) == (0.5, 0.25)
    y, cache = lib.tanh_forward(np.zeros((1, 1)))
    assert (y.item(), lib.tanh_backward(np.ones((1, 1)), cache).item()) == (0, 1)


@loops_too
def test_softmax(lib):
    y, cache = lib.softmax_forward(np.log([[1.0, 3.0]]))
    assert_allclose(y, [[1 / 4, 3 / 4]], rtol=1e-15)
    assert_allclose(lib.softmax_backward(np.array([[1.0, 0.0]]), cache), [[3 / 16, -3 / 16]], rtol=1e-14)


@loops_too
def test_batchnorm_has_biased_variance(lib):
    x = np.array([[1.0], [3.0], [1.0], [3.0]])  # mean 2, biased variance 1
    y, cache = lib.batchnorm_forward(x, np.array([2.0]), np.array([5.0]), eps=0.0)
    assert_array_equal(y, [[3], [7], [3], [7]])
    dx, dgamma, dbeta = lib.batchnorm_backward(np.array([[1.0], [0.0], [0.0], [0.0]]), cache)
    # dx = gamma/M (M dy - dbeta - x_hat dgamma) = 2/4 (4 dy - 1 + x_hat)
    assert_array_equal(dx, [[1], [0], [-1], [0]])
    assert_array_equal((dgamma, dbeta), [[-1], [1]])


@loops_too
def test_batchnorm_inference(lib):
    statistics = {"mean": np.array([1.0]), "var": np.array([3.0])}
    y, cache = lib.batchnorm_inference_forward(
        np.array([[5.0]]), np.array([10.0]), np.array([7.0]), **statistics, eps=1.0
    )
    assert_array_equal(y, [[10 * (5 - 1) / 2 + 7]])
    dx, dgamma, dbeta, dmean, dvar = lib.batchnorm_inference_backward(np.array([[3.0]]), cache)
    assert_array_equal((dx[0], dgamma, dbeta), [[3 * 10 / 2], [3 * 2], [3]])
    assert_array_equal((dmean, dvar), [[-3 * 10 / 2], [-3 * 10 * (5 - 1) / (2 * 2**3)]])


@loops_too
@pytest.mark.parametrize(("name", "mask_shape"), [("dropout", (3, 4, 5, 6)), ("spatial_dropout2d", (3, 1, 1, 6))])
def test_dropout_draws_one_number_for_each_unit_or_channel(lib, name, mask_shape):
    keep, x = 0.75, np.ones((3, 4, 5, 6))
    y, cache = getattr(lib, f"{name}_forward")(x, 1 - keep, np.random.default_rng(7))
    mask = np.random.default_rng(7).random(mask_shape) < keep
    assert 0 < mask.mean() < 1
    assert_allclose(y, x * mask / keep, rtol=1e-15)
    assert_array_equal(getattr(lib, f"{name}_backward")(x, cache), y)


# --- Losses by hand ---------------------------------------------------------------------------------------------------


@loops_too
def test_softmax_cross_entropy(lib):
    logits = np.log([[1.0, 3.0], [1.0, 1.0]])
    loss, cache = lib.softmax_cross_entropy_forward(logits, np.array([0, 1]))
    assert isinstance(loss, float)
    assert loss == pytest.approx((math.log(4) + math.log(2)) / 2, rel=1e-15)
    dlogits = lib.softmax_cross_entropy_backward(1.0, cache)
    assert_allclose(dlogits, [[-3 / 8, 3 / 8], [1 / 4, -1 / 4]], rtol=1e-14)
    assert_allclose(lib.softmax_cross_entropy_backward(2.0, cache), 2 * dlogits, rtol=1e-15)


@loops_too
def test_softmax_cross_entropy_with_weights_divides_by_their_sum(lib):
    logits, labels, weights = np.log([[1.0, 3.0], [1.0, 1.0]]), np.array([0, 1]), np.array([3.0, 1.0])
    loss, cache = lib.softmax_cross_entropy_forward(logits, labels, class_weights=weights)
    assert loss == pytest.approx((3 * math.log(4) + 1 * math.log(2)) / (3 + 1), rel=1e-15)
    expected = [[3 / 4 * -3 / 4, 3 / 4 * 3 / 4], [1 / 4 * 1 / 2, 1 / 4 * -1 / 2]]
    assert_allclose(lib.softmax_cross_entropy_backward(1.0, cache), expected, rtol=1e-14)


@loops_too
def test_softmax_cross_entropy_with_smoothing_and_weights_is_that_of_pytorch(lib):
    """Numbers from torch.nn.functional.cross_entropy(..., weight=..., label_smoothing=0.1) in float64."""
    logits, labels = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]), np.array([0, 2])
    smoothed, _ = lib.softmax_cross_entropy_forward(logits, labels, label_smoothing=0.1)
    assert smoothed == pytest.approx(0.8734596772660204, rel=1e-14)
    loss, cache = lib.softmax_cross_entropy_forward(
        logits, labels, label_smoothing=0.1, class_weights=np.array([1.0, 2.0, 4.0])
    )
    assert loss == pytest.approx(0.4557679172784965, rel=1e-14)
    expected = [
        [-0.13425591653897953, 0.12913385635466615, 0.005122060184313388],
        [0.02906967730977998, -0.00018666708176770286, -0.028883010228012228],
    ]
    assert_allclose(lib.softmax_cross_entropy_backward(1.0, cache), expected, rtol=1e-12)


@loops_too
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_are_finite_for_huge_logits(lib, dtype):
    logits = np.array([[1e4, -1e4], [1e4, -1e4]], dtype)
    loss, cache = lib.softmax_cross_entropy_forward(logits, np.array([0, 1]))
    assert loss == 2e4 / 2
    assert_array_equal(lib.softmax_cross_entropy_backward(1.0, cache), [[0, 0], [0.5, -0.5]])
    for z in (logits[0], logits[0, :, None]):
        loss, cache = lib.binary_cross_entropy_forward(z, np.array([0, 0]))
        assert loss == 1e4 / 2
        assert_array_equal(lib.binary_cross_entropy_backward(1.0, cache).ravel(), [0.5, 0])
        assert_array_equal(lib.sigmoid_forward(z)[0].ravel(), [1, 0])


@loops_too
def test_binary_cross_entropy(lib):
    loss, cache = lib.binary_cross_entropy_forward(np.array([0.0, math.log(3)]), np.array([0, 1]))
    assert isinstance(loss, float)
    assert loss == pytest.approx((math.log(2) + math.log(4 / 3)) / 2, rel=1e-15)
    assert_allclose(lib.binary_cross_entropy_backward(1.0, cache), [1 / 4, -1 / 8], rtol=1e-15)


@loops_too
def test_mean_squared_error_is_a_mean_over_batch_and_outputs(lib):
    loss, cache = lib.mean_squared_error_forward(np.array([[1.0, 2.0]]), np.array([[0.0, 5.0]]))
    assert isinstance(loss, float)
    assert loss == (1 + 9) / 2
    assert_array_equal(lib.mean_squared_error_backward(1.0, cache), [[1, -3]])


# --- Geometry and imports ---------------------------------------------------------------------------------------------


def test_forms_of_padding():
    def padding(form, **options):
        return lay_windows((5, 6), 3, padding=form, **options).padding

    assert padding(1) == ((1, 1), (1, 1))
    assert padding((0, 2)) == ((0, 0), (2, 2))
    assert padding(((0, 1), (2, 3))) == ((0, 1), (2, 3))
    assert padding("valid") == ((0, 0), (0, 0))
    assert padding("same") == ((1, 1), (1, 1))
    assert padding("same", stride=2) == ((1, 1), (0, 1))  # 3 windows over 5 and over 6 cells
    assert padding("same", dilation=(1, 2)) == ((1, 1), (2, 2))


@pytest.mark.parametrize("size", range(1, 8))
@pytest.mark.parametrize("stride", range(1, 4))
@pytest.mark.parametrize("window", range(1, 5))
def test_same_padding_gives_a_window_every_stride(size, stride, window):
    assert lay_windows((size, size), window, stride, "same").output == (-(-size // stride),) * 2


@pytest.mark.parametrize(
    ("lay", "message"),
    [
        (lambda: lay_windows((3, 3), 5), "does not fit an image of 3x3"),
        (lambda: lay_windows((3, 3), 2, padding="full"), "got 'full'"),
        (lambda: lay_windows((3, 3), 2, padding=-1), "cannot be negative"),
        (lambda: lay_windows((3, 3), (1, 2, 3)), r"got \(1, 2, 3\)"),
        (lambda: lay_windows((3, 3), 2, stride=0), "at least 1"),
        (lambda: lay_pooling_windows((3, 3), 2, padding=((2, 0), (0, 0))), "padding alone"),
        (lambda: lay_pooling_windows((3, 3), 1, stride=2, padding=((0, 2), (0, 2))), "padding alone"),
    ],
)
def test_geometry_errors(lay, message):
    with pytest.raises(ValueError, match=message):
        lay()


@pytest.mark.parametrize("module", ["loops", "vectorized"])
def test_needs_numpy_only(module):
    code = f"import sys, minicnn.reference.{module}; print(*(m for m in ('numba', 'matplotlib') if m in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
