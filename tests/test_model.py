"""Sequential: shapes, counts, forward and backward, and the errors that say what to do."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    functional,
)
from minicnn.catalogue import small_network


def lesson_network():
    """The network of the lesson, written out."""
    blocks = []
    for filters, rate in ((64, 0.2), (128, 0.3), (256, 0.5)):
        blocks += [Conv2D(filters, 3, padding="same"), ReLU(), BatchNorm(), MaxPool2D(2), Dropout(rate)]
    return Sequential(
        [*blocks, Flatten(), Dense(128), ReLU(), BatchNorm(), Dropout(0.5), Dense(1)], input_shape=(32, 32, 3)
    )


def batch(model, n=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, *model.input_shape)).astype(model.dtype)


def test_the_lesson_network_has_its_published_size():
    model = lesson_network()
    assert (model.parameter_count, model.trainable_count) == (897_665, 896_513)
    summary = model.summary()
    assert "897,665 parameters, 896,513 trainable" in summary
    rows = summary.splitlines()
    assert re.search(r"conv2d_3 +Conv2D\(256, 3, padding='same'\) +\(8, 8, 256\) +295,168 +295,168", summary)
    assert re.search(r"batchnorm_3 .* 1,024 +512", summary)
    assert len({len(row) for row in rows if row.startswith(("conv", "dense", "relu"))}) == 1  # columns line up


def test_forward_is_the_layers_in_a_row_and_backward_the_chain_rule():
    model = Sequential([Dense(4), ReLU(), Dense(2)], input_shape=(3,), dtype="float64")
    x = batch(model)
    first, _, last = model.layers
    hidden = np.maximum(x @ first.params["w"] + first.params["b"], 0)
    assert_allclose(model.forward(x), hidden @ last.params["w"] + last.params["b"], rtol=1e-14)
    dy = np.random.default_rng(1).standard_normal((3, 2))
    dhidden = dy @ last.params["w"].T * (hidden > 0)
    assert_allclose(model.backward(dy), dhidden @ first.params["w"].T, rtol=1e-13)
    assert_allclose(model.grads["dense_1.w"], x.T @ dhidden, rtol=1e-13)
    assert_allclose(model.grads["dense_2.b"], dy.sum(axis=0), rtol=1e-13)


def test_backward_without_dx_gives_the_same_parameter_gradients():
    model = small_network()
    y = model.forward(batch(model))
    assert model.backward(np.ones_like(y)).shape == (3, 8, 7, 2)
    expected = model.grads
    assert model.backward(np.ones_like(y), need_dx=False) is None
    for name, gradient in model.grads.items():
        assert_array_equal(gradient, expected[name])


def test_predict_in_batches_is_forward_in_evaluation():
    model = small_network()
    x = batch(model, 11)
    expected = model.forward(x, training=False)
    assert_allclose(model.predict(x, batch_size=4), expected, rtol=1e-12)
    assert_array_equal(model.predict(x), model.predict(x))  # no dropout, no change of the running statistics


def test_evaluate_gives_mean_loss_and_accuracy_over_all_examples():
    model = small_network()
    x, labels = batch(model, 11), np.arange(11) % 3
    logits = model.forward(x)
    loss = SoftmaxCrossEntropy()
    result = model.evaluate((x, labels), loss, batch_size=4)
    assert result["loss"] == pytest.approx(loss.forward(logits, labels), rel=1e-12)
    assert result["accuracy"] == np.mean(logits.argmax(axis=1) == labels)
    assert model.evaluate((x, np.zeros((11, 3))), MeanSquaredError())["accuracy"] is None


def test_the_seed_decides_everything():
    one, same, other = (small_network(seed=seed) for seed in (5, 5, 6))
    x = batch(one)
    assert_array_equal(one.forward(x, training=True), same.forward(x, training=True))
    assert not np.array_equal(one.params["conv2d_1.w"], other.params["conv2d_1.w"])


def test_float64_goes_through():
    model = small_network(dtype=np.float64)
    assert model.forward(batch(model)).dtype == np.float64
    model = small_network(dtype=np.float32)
    assert model.forward(batch(model).astype(np.float64)).dtype == np.float32


def test_set_state_copies_and_refuses_strange_names():
    model = small_network()
    state = {name: array + 1 for name, array in model.state.items()}
    model.set_state(state)
    state["batchnorm_1.running_mean"][:] = 99
    assert model.state["batchnorm_1.running_mean"].max() == 1
    with pytest.raises(ValueError, match=r"names and shapes of model\.state"):
        model.set_state({"batchnorm_1.running_mean": np.zeros(3)})


@pytest.mark.parametrize(
    ("layers", "shape", "error", "message"),
    [
        ([], (3,), ValueError, "at least one layer"),
        ([Dense], (3,), TypeError, r"Write Dense\(\.\.\.\)"),
        (["dense"], (3,), TypeError, "takes layers, got 'dense' at position 0"),
        ([Dense(3)], 3, ValueError, "without the batch axis"),
        ([Dense(3)], (), ValueError, "without the batch axis"),
        ([Dense(3)], (0,), ValueError, "without the batch axis"),
        ([Dense(3)], (None, 3), ValueError, "without the batch axis"),
        ([Dense(3)], (4, 4, 1), ValueError, r"dense_1 .* Put a Flatten"),
        ([Flatten(), Conv2D(2, 3)], (4, 4, 1), ValueError, r"conv2d_1 .* Put it before Flatten"),
        ([Flatten(), MaxPool2D()], (4, 4, 1), ValueError, "maxpool2d_1 .* works on images"),
        ([BatchNorm()], (4, 4), ValueError, "vectors .* or images"),
        ([Conv2D(16, 5)], (3, 3, 8), ValueError, r"Conv2D\(16, 5\) needs images of at least 5x5, got 3x3"),
        ([MaxPool2D(2), MaxPool2D(2)], (3, 8, 1), ValueError, "maxpool2d_2 .* at least 2x2, got 1x4"),
        ([Conv2D(6, 3, groups=4)], (8, 8, 4), ValueError, "groups must divide the 4 channels and the 6 filters"),
    ],
)
def test_networks_that_cannot_be_built(layers, shape, error, message):
    with pytest.raises(error, match=message):
        Sequential(layers, input_shape=shape)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Sequential(Dense(3), input_shape=(2,)), TypeError, "takes a list of layers"),
        (lambda: Sequential([Dense(3)], input_shape=(2,), seed="a"), TypeError, "seed"),
        (lambda: Sequential([Dense(3)], input_shape=(2,), seed=-1), ValueError, "seed"),
        (lambda: dense_model().predict(np.zeros((4, 2)), batch_size=0), ValueError, "batch_size"),
        (lambda: dense_model().evaluate((np.zeros((4, 2)), [0, 1]), SoftmaxCrossEntropy()), ValueError, "Labels"),
        (lambda: functional.dropout_forward(np.zeros(3), 0.5, None), TypeError, r"default_rng\(0\)"),
        (lambda: functional.dropout_forward(np.zeros(3), 1, np.random.default_rng()), ValueError, "rate"),
    ],
)
def test_calls_that_cannot_work_say_so(call, error, message):
    with pytest.raises(error, match=message):
        call()


def dense_model():
    return Sequential([Dense(3)], input_shape=(2,))


@pytest.mark.parametrize("x", [[1.0, 2.0], np.arange(3), np.zeros(3, np.float16), None])
@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "sigmoid", "tanh", "softmax", "flatten", "global_avg_pool2d", "max_pool2d"]
)
def test_pure_functions_take_arrays_of_floats(name, x):
    with pytest.raises(TypeError, match="must be an array of float32 or float64"):
        getattr(functional, f"{name}_forward")(x)


def test_a_layer_belongs_to_one_model():
    layer = Dense(3)
    with pytest.raises(ValueError, match="in use already"):
        Sequential([layer, layer], input_shape=(3,))
    Sequential([layer], input_shape=(3,))
    with pytest.raises(ValueError, match="make a new one"):
        Sequential([layer], input_shape=(3,))


def test_a_network_that_cannot_be_built_leaves_its_layers_free():
    layer = Dense(3)
    with pytest.raises(ValueError, match="Flatten"):
        Sequential([layer, Conv2D(2, 3)], input_shape=(3,))
    assert Sequential([layer], input_shape=(3,)).output_shape == (3,)


def test_dtypes_other_than_float_are_refused():
    with pytest.raises(TypeError, match="float32"):
        Sequential([Dense(3)], input_shape=(3,), dtype="float16")


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((2, 3), np.uint8), TypeError, "uint8.*divide pixels"),
        ([[1.0, 2.0, 3.0]], TypeError, "got a list"),
        (np.zeros((2, 4), np.float32), ValueError, r"\(N, 3\).*got \(2, 4\)"),
        (np.zeros(3, np.float32), ValueError, r"x\[None\]"),
        (np.zeros((0, 3), np.float32), ValueError, "N > 0"),
    ],
)
@pytest.mark.parametrize("method", ["forward", "predict"])
def test_batches_that_do_not_fit(x, error, message, method):
    model = Sequential([Dense(2)], input_shape=(3,))
    with pytest.raises(error, match=message):
        getattr(model, method)(x)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Conv2D(0, 3), ValueError),
        (lambda: Conv2D(2.5, 3), TypeError),
        (lambda: Conv2D(2, 0), ValueError),
        (lambda: Conv2D(2, (3, 3, 3)), ValueError),
        (lambda: Conv2D(2, 3, stride=0), ValueError),
        (lambda: Conv2D(2, 3, stride=1.5), ValueError),
        (lambda: Conv2D(2, 3, padding="full"), ValueError),
        (lambda: Conv2D(2, 3, padding=-1), ValueError),
        (lambda: Conv2D(2, 3, padding=(1, 2, 3)), ValueError),
        (lambda: Conv2D(2, 3, dilation=0), ValueError),
        (lambda: Conv2D(2, 3, initializer="xavier"), ValueError),
        (lambda: MaxPool2D(0), ValueError),
        (lambda: MaxPool2D(2, stride=0), ValueError),
        (lambda: BatchNorm(momentum=1), ValueError),
        (lambda: BatchNorm(eps=0), ValueError),
        (lambda: Dropout(1.0), ValueError),
        (lambda: Dropout(-0.1), ValueError),
        (lambda: Dropout("half"), TypeError),
        (lambda: Dense(-1), ValueError),
        (lambda: Dense("ten"), TypeError),
        (lambda: Dense(3, initializer=7), TypeError),
    ],
)
def test_layers_refuse_bad_arguments(make, error):
    with pytest.raises(error, match=r"takes|needs|Choose|is a name"):
        make()


def test_pooling_padding_must_be_smaller_than_the_window():
    with pytest.raises(ValueError, match="nothing but padding"):
        Sequential([MaxPool2D(2, padding=2)], input_shape=(4, 4, 1))


def test_batchnorm_on_one_number_a_channel_says_why():
    model = Sequential([BatchNorm()], input_shape=(3,))
    with pytest.raises(ValueError, match="one number is its own mean"):
        model.forward(np.ones((1, 3), np.float32), training=True)
    assert model.forward(np.ones((1, 3), np.float32)).shape == (1, 3)


@pytest.mark.filterwarnings("ignore:evaluation-in-training-mode")  # it is none: no loss is looked at
def test_batchnorm_running_statistics_follow_their_formula():
    model = Sequential([BatchNorm(momentum=0.8)], input_shape=(2, 3, 2), dtype="float64")
    mean, var = np.zeros(2), np.ones(2)
    for seed in range(3):
        x = batch(model, seed=seed) * 3 + 1
        model.forward(x, training=True)
        mean = 0.8 * mean + 0.2 * x.mean(axis=(0, 1, 2))
        var = 0.8 * var + 0.2 * x.var(axis=(0, 1, 2))
    assert_allclose(model.state["batchnorm_1.running_mean"], mean, rtol=1e-13)
    assert_allclose(model.state["batchnorm_1.running_var"], var, rtol=1e-13)
    assert_allclose(model.forward(x), (x - mean) / np.sqrt(var + 1e-5), rtol=1e-12)


def test_dropout_keeps_the_mean_and_drops_its_share():
    model = Sequential([Dropout(0.3)], input_shape=(1000,), seed=1)
    y = model.forward(np.ones((100, 1000), np.float32), training=True)
    assert set(np.unique(y)) == {0, np.float32(1 / 0.7)}
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.005)  # 3 standard deviations of 100,000 draws: 0.0043
    assert y.mean() == pytest.approx(1, abs=0.007)
