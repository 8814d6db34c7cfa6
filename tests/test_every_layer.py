"""The common tests: what every layer promises, over every layer and configuration of `minicnn.catalogue`."""

import copy
import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import checkpoint, functional, gradcheck, layers
from minicnn.catalogue import LAYER_CASES, LOSS_CASES, small_network
from minicnn.kernels import parallel
from minicnn.layers import columns
from minicnn.model import Sequential
from minicnn.reference import loops, vectorized

every_case = pytest.mark.parametrize("case", LAYER_CASES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])


def upstream(y, seed=9):
    """A random dL/dy."""
    return np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)


def run(layer, case, dtype=np.float64, x=None):
    """One forward and backward: y, dx and the gradients of the parameters."""
    x = case.input(dtype) if x is None else x
    y = layer.forward(x, case.training)
    dx = layer.backward(upstream(y))
    return y, dx, layer.grads


def test_every_public_layer_is_in_the_catalogue():
    assert {type(case.layer) for case in LAYER_CASES} == set(layers.LAYERS.values())


def test_every_pure_pair_is_in_functional():
    names = {name for name in functional.__all__ if name.endswith("_forward")}
    assert {name.replace("_forward", "_backward") for name in names} | names == set(functional.__all__)
    assert len(names) == 18


@every_case
def test_gradient_of_input_and_every_parameter(case):
    report = gradcheck.check_layer(case.built(), case.input(), training=case.training)
    report.raise_if_failed()
    layer = case.built()
    assert [argument.name for argument in report.arguments] == ["x", *layer.params]
    assert max(argument.max_relative_error for argument in report.arguments) < 1e-7
    assert report.findings == []


@every_case
@every_dtype
def test_shape_and_dtype_are_as_inferred(case, dtype):
    layer = case.built(dtype)
    y, dx, grads = run(layer, case, dtype)
    assert y.shape == (case.batch, *layer.output_shape) == (case.batch, *case.layer.output_shape_for(case.input_shape))
    assert y.dtype == dx.dtype == dtype
    assert dx.shape == (case.batch, *case.input_shape)
    assert {name: g.shape for name, g in grads.items()} == {name: p.shape for name, p in layer.params.items()}
    assert case.layer.param_shapes(case.input_shape) == {name: p.shape for name, p in layer.params.items()}
    assert all(g.dtype == dtype for g in grads.values())
    assert all(s.dtype == dtype for s in layer.state.values())


@every_case
@every_dtype
def test_agrees_with_the_loops(case, dtype):
    """The same layer, computed by the reference's functions."""
    name = PURE_NAMES[type(case.layer)]
    x, layer = case.input(dtype), case.built(dtype)
    state = dict(layer.state)
    y, dx, grads = run(layer, case, dtype)
    if isinstance(case.layer, layers.Dropout) and not case.training:
        assert_array_equal(y, x)
        return
    arguments = [x, *layer.params.values()]
    options = {
        k: v for k, v in layer.config.items() if k in inspect.signature(getattr(loops, f"{name}_forward")).parameters
    }
    if isinstance(case.layer, layers.Dropout):
        arguments += [options.pop("rate"), case.built(dtype).rng]
    if isinstance(case.layer, layers.BatchNorm) and not case.training:
        name, arguments = "batchnorm_inference", [*arguments, *state.values()]
    for reference in (loops, vectorized):
        expected_y, cache = getattr(reference, f"{name}_forward")(*copy.deepcopy(arguments), **options)
        gradients = getattr(reference, f"{name}_backward")(upstream(y), cache)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        tolerance = 1e-12 if dtype == np.float64 else 2e-5
        for actual, expected in zip((y, dx, *grads.values()), (expected_y, *gradients), strict=False):
            assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * max(1, np.abs(expected).max()))


PURE_NAMES = {
    layers.Conv2D: "conv2d",
    layers.MaxPool2D: "max_pool2d",
    layers.AvgPool2D: "avg_pool2d",
    layers.GlobalAvgPool2D: "global_avg_pool2d",
    layers.BatchNorm: "batchnorm",
    layers.Dropout: "dropout",
    layers.SpatialDropout2D: "spatial_dropout2d",
    layers.Dense: "dense",
    layers.Flatten: "flatten",
    layers.ReLU: "relu",
    layers.LeakyReLU: "leaky_relu",
    layers.Sigmoid: "sigmoid",
    layers.Tanh: "tanh",
    layers.Softmax: "softmax",
}


@every_case
def test_inputs_are_not_modified(case):
    layer, x = case.built(), case.input()
    y = layer.forward(x, case.training)
    dy = upstream(y)
    kept = x.copy(), dy.copy(), copy.deepcopy(layer.params)
    layer.backward(dy)
    assert_array_equal(x, kept[0])
    assert_array_equal(dy, kept[1])
    for name, param in layer.params.items():
        assert_array_equal(param, kept[2][name])


@every_case
def test_results_never_change_later(case):
    """An array handed out stays as it was, whatever the layer does afterwards."""
    layer = case.built()
    y, dx, grads = run(layer, case)
    state = layer.state.copy()
    given = [y, dx, *grads.values(), *state.values()]
    kept = [array.copy() for array in given]
    for seed in range(1, 4):
        run(layer, case, x=case.input(seed=seed))
    for array, before in zip(given, kept, strict=True):
        assert_array_equal(array, before)


@every_case
def test_backward_is_repeatable(case):
    layer = case.built()
    y = layer.forward(case.input(), case.training)
    first, grads = layer.backward(upstream(y)), layer.grads
    assert_array_equal(layer.backward(upstream(y)), first)
    for name, gradient in layer.grads.items():
        assert_array_equal(gradient, grads[name])


@every_case
def test_same_seed_same_result(case):
    first, second = run(case.built(), case), run(case.built(), case)
    assert_array_equal(first[0], second[0])
    assert_array_equal(first[1], second[1])


@every_case
@pytest.mark.parametrize("threads", [1, 2, 8], ids="{} threads".format)
def test_any_number_of_threads_gives_the_same(case, threads, monkeypatch):
    expected_y, expected_dx, expected_grads = run(case.built(), case)
    monkeypatch.setattr(parallel, "WORTH_A_THREAD", 0)
    with parallel.threads(threads):
        y, dx, grads = run(case.built(), case)
    assert_allclose(y, expected_y, rtol=1e-12, atol=1e-12)
    assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-12)
    for name, gradient in grads.items():
        assert_allclose(gradient, expected_grads[name], rtol=1e-12, atol=1e-12)


@every_case
@pytest.mark.parametrize("tile_bytes", [1, 2000])
def test_any_tile_of_columns_gives_the_same(case, tile_bytes, monkeypatch):
    """One output row at a time, or a few rows or images: the tiles' parts add up to the whole."""
    expected_y, expected_dx, expected_grads = run(case.built(), case)
    monkeypatch.setattr(columns, "TILE_BYTES", tile_bytes)
    y, dx, grads = run(case.built(), case)
    assert_allclose(y, expected_y, rtol=1e-12, atol=1e-12)
    assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-12)
    for name, gradient in grads.items():
        assert_allclose(gradient, expected_grads[name], rtol=1e-12, atol=1e-12)


@every_case
def test_other_memory_orders_give_the_same(case):
    """Inputs and upstream gradients may be transposed views, reversed views or read-only."""
    expected_y, expected_dx, _ = run(case.built(), case)
    layer, x = case.built(), np.asfortranarray(case.input())
    x.flags.writeable = False
    y = layer.forward(x, case.training)
    dy = upstream(y)[::-1].copy()[::-1]
    assert_allclose(y, expected_y, rtol=1e-13, atol=1e-13)
    assert_allclose(layer.backward(dy), expected_dx, rtol=1e-13, atol=1e-13)


@every_case
def test_parameter_gradients_alone(case):
    layer, alone = case.built(), case.built()
    _, _, grads = run(layer, case)
    y = alone.forward(case.input(), case.training)
    alone.backward_params(upstream(y))
    for name, gradient in grads.items():
        assert_array_equal(alone.grads[name], gradient)


@every_case
def test_backward_before_forward_says_what_to_do(case):
    with pytest.raises(layers.NotReadyError, match="needs a forward pass first"):
        case.built().backward(np.zeros((case.batch, *case.layer.output_shape_for(case.input_shape))))


@every_case
def test_wrong_upstream_gradient_is_refused(case):
    layer = case.built()
    x = case.input()
    y = layer.forward(x, case.training)
    if y is x:
        return  # dropout in evaluation passes everything through
    with pytest.raises(ValueError, match="must have the shape of y"):
        layer.backward(np.zeros((y.shape[0] + 1, *y.shape[1:])))
    with pytest.raises(TypeError, match="dy must be an array of float64"):
        layer.backward(np.zeros(y.shape, np.float32))


@every_case
def test_unbuilt_layer_says_what_to_do(case):
    layer = copy.deepcopy(case.layer)
    for name in ("params", "grads", "state", "rng", "input_shape", "output_shape", "dtype"):
        with pytest.raises(layers.NotReadyError, match="Sequential"):
            getattr(layer, name)


@every_case
def test_repr_makes_the_same_layer(case):
    again = eval(repr(case.layer), dict(layers.LAYERS))
    assert type(again) is type(case.layer)
    assert again.config == case.layer.config


@every_case
def test_saved_and_loaded_gives_the_same(case, tmp_path):
    model = Sequential([copy.deepcopy(case.layer)], case.input_shape, dtype="float64")
    model.forward(case.input(), training=True)  # moves running statistics
    checkpoint.save(model, tmp_path / "model.npz")
    loaded = checkpoint.load(tmp_path / "model.npz")
    assert_array_equal(loaded.predict(case.input()), model.predict(case.input()))


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
def test_gradient_of_every_loss(case):
    forward, backward = case.loss.functions
    report = gradcheck.check(
        lambda logits: forward(logits, case.labels, **case.loss.config), backward, [case.input()], names=["logits"]
    )
    report.raise_if_failed()
    assert report.arguments[0].max_relative_error < 1e-7


@pytest.mark.parametrize("case", LOSS_CASES, ids=str)
@every_dtype
def test_every_loss_keeps_the_dtype_and_its_inputs(case, dtype):
    logits = case.input(dtype)
    kept = logits.copy()
    loss = case.loss.forward(logits, case.labels)
    dlogits = case.loss.backward()
    assert type(loss) is float
    assert dlogits.dtype == dtype
    assert dlogits.shape == logits.shape
    assert_array_equal(logits, kept)
    assert_array_equal(case.loss.backward(), dlogits)
    assert_allclose(case.loss.backward(2.0), 2 * dlogits, rtol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_gradient_of_a_whole_network(training):
    model = small_network()
    x = np.random.default_rng(1).standard_normal((4, *model.input_shape))
    loss = LOSS_CASES[0].loss
    report = gradcheck.check_model(model, x, np.array([0, 2, 1, 1]), loss, training=training)
    report.raise_if_failed()
    assert {argument.name for argument in report.arguments} >= set(model.params)
    assert max(argument.max_relative_error for argument in report.arguments) < 1e-7
