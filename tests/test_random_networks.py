"""Networks drawn at random: trained, saved, loaded and trained on, bit for bit; and their gradients checked."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minicnn import (
    SGD,
    Adam,
    AdamW,
    AvgPool2D,
    BatchNorm,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool2D,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    RMSProp,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    SpatialDropout2D,
    Tanh,
    gradcheck,
    load_run,
    save,
)
from minicnn.initializers import INITIALIZERS

CLASSES = 3
DRAWN = {"derandomize": True, "deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}

initializers = st.sampled_from([*(name for name in INITIALIZERS if name not in ("zeros", "ones")), "constant(0.1)"])
smooth = st.builds(lambda kind: kind(), st.sampled_from([Sigmoid, Tanh]))
activations = smooth | st.builds(ReLU) | st.builds(LeakyReLU, st.sampled_from([0.01, 0.3]))
rates = st.sampled_from([0.0, 0.2, 0.5])
convolutions = st.builds(
    Conv2D,
    st.integers(1, 4),
    st.integers(1, 3),
    stride=st.sampled_from([1, 2, (1, 2)]),
    padding=st.sampled_from(["same", 2, (3, 2), ((2, 3), (4, 2))]),  # so that the smallest images are large enough
    dilation=st.integers(1, 2),
    use_bias=st.booleans(),
    initializer=initializers,
)
depthwise = st.builds(lambda size: Conv2D(4, size, padding="same", groups=2), st.integers(1, 3))
poolings = st.builds(
    lambda kind, stride: kind(2, stride=stride, padding="same"),
    st.sampled_from([MaxPool2D, AvgPool2D]),
    st.integers(1, 2),
)
normalizations = st.builds(BatchNorm, st.sampled_from([0.0, 0.9]), st.sampled_from([1e-5, 1e-2]))
on_images = convolutions | poolings | normalizations | activations | st.builds(SpatialDropout2D, rates)
on_vectors = (
    st.builds(Dense, st.integers(1, 5), st.booleans(), initializers)
    | normalizations
    | activations
    | st.builds(Softmax)
    | st.builds(Dropout, rates)
)
losses = st.sampled_from(
    [
        (SoftmaxCrossEntropy(), CLASSES),
        (SoftmaxCrossEntropy(label_smoothing=0.1, class_weights=[1.0, 2.0, 0.5]), CLASSES),
        (BinaryCrossEntropy(), 1),
        (MeanSquaredError(), 2),
    ]
)
optimizers = st.sampled_from(
    [
        lambda: SGD(0.01),
        lambda: SGD(0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda: RMSProp(weight_decay=1e-3),
        lambda: Adam(beta1=0.5),
        lambda: AdamW(0.01),
    ]
)


@st.composite
def networks(draw, dtypes=("float32", "float64")):
    """A model and the loss for it."""
    loss, outputs = draw(losses)
    channels = draw(st.integers(1, 3))
    shape = (draw(st.integers(3, 7)), draw(st.integers(3, 7)), channels)
    front = draw(st.lists(on_images, max_size=4))
    if draw(st.booleans()):
        front += [Conv2D(2, 1), draw(depthwise)]
    between = draw(st.sampled_from([Flatten, GlobalAvgPool2D]))()
    back = draw(st.lists(on_vectors, max_size=3))
    layers = [*front, between, *back, Dense(outputs)]
    return Sequential(
        layers, input_shape=shape, seed=draw(st.integers(0, 99)), dtype=draw(st.sampled_from(dtypes))
    ), loss


def batch(model, loss, seed):
    """Five examples and what belongs to them."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, *model.input_shape)).astype(model.dtype)
    if isinstance(loss, SoftmaxCrossEntropy):
        return x, rng.integers(0, CLASSES, 5)
    if isinstance(loss, BinaryCrossEntropy):
        return x, rng.integers(0, 2, 5)
    return x, rng.standard_normal((5, *model.output_shape)).astype(model.dtype)


def step(model, loss, optimizer, seed):
    x, labels = batch(model, loss, seed)
    value = loss.forward(model.forward(x, training=True), labels)
    model.backward(loss.backward())
    optimizer.step(model.params, model.grads)
    return value


def everything(model, optimizer):
    """All numbers of a training, as bytes."""
    slots = {f"{name}/{slot}": array for name, each in optimizer.state.items() for slot, array in each.items()}
    arrays = model.params | model.state | slots
    plain = {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in arrays.items()}
    return plain | {"rng": repr(model.rng.bit_generator.state), "steps": optimizer.iterations, "net": repr(model)}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("random_networks") / "run.npz"


@settings(max_examples=100, **DRAWN)
@given(networks(), optimizers)
def test_a_loaded_run_goes_on_as_the_saved_one(path, network, make_optimizer):
    model, loss = network
    optimizer = make_optimizer()
    for seed in (1, 2):
        step(model, loss, optimizer, seed)
    save(model, path, optimizer=optimizer)
    loaded, its_optimizer, _ = load_run(path)
    assert everything(loaded, its_optimizer) == everything(model, optimizer)
    x, _ = batch(model, loss, 3)
    assert loaded.predict(x).tobytes() == model.predict(x).tobytes()
    assert step(loaded, loss, its_optimizer, 4) == step(model, loss, optimizer, 4)
    assert everything(loaded, its_optimizer) == everything(model, optimizer)


@settings(max_examples=10, **DRAWN)
@given(networks(dtypes=("float64",)))
def test_gradients_are_right(network):
    model, loss = network
    x, labels = batch(model, loss, 5)
    report = gradcheck.check_model(model, x, labels, loss, max_evaluations=200, explain=False)
    assert report.passed, f"{model!r} with {loss!r}\n{report}"
