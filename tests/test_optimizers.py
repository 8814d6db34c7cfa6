"""Each optimizer against its formula written out; errors that leave everything as it was; memory."""

import tracemalloc

import numpy as np
import pytest

from minicnn import optimizers
from minicnn.optimizers import SGD, Adam, AdamW, RMSProp

STEPS = 7


def sgd(w, gradients, lr, mu=0.0, nesterov=False, decay=0.0):
    v = np.zeros_like(w)
    for g in gradients:
        g = g + decay * w
        v = mu * v + g
        w = w - lr * (g + mu * v if nesterov else v)
    return w


def rmsprop(w, gradients, lr, rho=0.9, eps=1e-8, decay=0.0):
    s = np.zeros_like(w)
    for g in gradients:
        g = g + decay * w
        s = rho * s + (1 - rho) * g**2
        w = w - lr * g / (np.sqrt(s) + eps)
    return w


def adam(w, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0, decoupled=False):
    m, s = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        if decoupled:
            w = w - lr * decay * w
        else:
            g = g + decay * w
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        w = w - lr * (m / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps)
    return w


CASES = [
    (SGD(0.1), lambda w, g: sgd(w, g, 0.1)),
    (SGD(0.1, weight_decay=0.3), lambda w, g: sgd(w, g, 0.1, decay=0.3)),
    (SGD(0.1, momentum=0.9), lambda w, g: sgd(w, g, 0.1, 0.9)),
    (SGD(0.1, momentum=0.8, weight_decay=0.3), lambda w, g: sgd(w, g, 0.1, 0.8, decay=0.3)),
    (SGD(0.1, momentum=0.8, nesterov=True), lambda w, g: sgd(w, g, 0.1, 0.8, True)),
    (SGD(0.1, 0.8, True, 0.3), lambda w, g: sgd(w, g, 0.1, 0.8, True, 0.3)),
    (RMSProp(0.1), lambda w, g: rmsprop(w, g, 0.1)),
    (RMSProp(0.1, rho=0.5, eps=0.2, weight_decay=0.3), lambda w, g: rmsprop(w, g, 0.1, 0.5, 0.2, 0.3)),
    (Adam(0.1), lambda w, g: adam(w, g, 0.1)),
    (Adam(0.1, 0.5, 0.7, eps=0.2, weight_decay=0.3), lambda w, g: adam(w, g, 0.1, 0.5, 0.7, 0.2, 0.3)),
    (AdamW(0.1), lambda w, g: adam(w, g, 0.1, decay=0.01, decoupled=True)),
    (AdamW(0.1, 0.5, 0.7, 0.2, 0.3), lambda w, g: adam(w, g, 0.1, 0.5, 0.7, 0.2, 0.3, True)),
]


def fresh(optimizer):
    return type(optimizer)(**optimizer.config)


def random_problem(dtype, shapes=(("w", (3, 4, 2)), ("b", (5,)), ("scalar", ()))):
    rng = np.random.default_rng(1)
    params = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes}
    params = {name: np.asarray(array) for name, array in params.items()}
    gradients = [{name: np.asarray(rng.standard_normal(shape), dtype) for name, shape in shapes} for _ in range(STEPS)]
    return params, gradients


def run(optimizer, params, gradients):
    params = {name: array.copy() for name, array in params.items()}
    for grads in gradients:
        optimizer.step(params, grads)
    return params


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-13), ("float32", 2e-6)])
@pytest.mark.parametrize(("optimizer", "formula"), CASES, ids=[repr(optimizer) for optimizer, _ in CASES])
def test_each_step_follows_the_formula(optimizer, formula, dtype, tolerance):
    params, gradients = random_problem(dtype)
    stepped = run(fresh(optimizer), params, gradients)
    for name, start in params.items():
        exact = formula(start.astype("float64"), [grads[name].astype("float64") for grads in gradients])
        assert stepped[name].dtype == dtype
        np.testing.assert_allclose(stepped[name], exact, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("optimizer", "formula"), CASES, ids=[repr(optimizer) for optimizer, _ in CASES])
def test_blocks_do_not_change_the_result(optimizer, formula, monkeypatch):
    params, gradients = random_problem("float64", shapes=(("w", (7, 11)),))
    monkeypatch.setattr(optimizers, "BLOCK_SIZE", 10)  # 77 numbers: seven whole blocks and a rest
    stepped = run(fresh(optimizer), params, gradients)
    exact = formula(params["w"], [grads["w"] for grads in gradients])
    np.testing.assert_allclose(stepped["w"], exact, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("transpose", ["param", "gradient"])
def test_arrays_in_another_memory_order_are_stepped_too(transpose, monkeypatch):
    params, gradients = random_problem("float64", shapes=(("w", (7, 11)),))
    monkeypatch.setattr(optimizers, "BLOCK_SIZE", 10)
    expected = run(SGD(0.1, 0.9), params, gradients)["w"]
    w = np.asfortranarray(params["w"]) if transpose == "param" else params["w"]
    optimizer = SGD(0.1, 0.9)
    for grads in gradients:
        g = np.asfortranarray(grads["w"]) if transpose == "gradient" else grads["w"]
        optimizer.step({"w": w}, {"w": g})
    np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("optimizer", [optimizer for optimizer, _ in CASES], ids=repr)
def test_parameters_change_in_place_and_gradients_do_not(optimizer):
    params, (grads, *_) = random_problem("float32")
    arrays, before = dict(params), {name: g.copy() for name, g in grads.items()}
    start = {name: w.copy() for name, w in params.items()}
    fresh(optimizer).step(params, grads)
    for name in params:
        assert params[name] is arrays[name]
        assert np.all(params[name] != start[name])
        np.testing.assert_array_equal(grads[name], before[name])


def test_a_first_adam_step_moves_each_weight_by_the_learning_rate():
    w = np.zeros(3)
    Adam(0.01).step({"w": w}, {"w": np.array([100.0, -1.0, 1e-3])})
    np.testing.assert_allclose(w, [-0.01, 0.01, -0.01], rtol=1e-4)


def test_decoupled_decay_does_not_depend_on_the_gradient_scale():
    shrunk = {}
    for kind in (Adam, AdamW):
        w = np.ones(2)
        kind(0.1, weight_decay=0.5).step({"w": w}, {"w": np.array([0.0, 0.0])})
        shrunk[kind] = w
    np.testing.assert_allclose(shrunk[AdamW], 1 - 0.1 * 0.5)
    np.testing.assert_allclose(shrunk[Adam], 1 - 0.1, rtol=1e-6)  # as the sign of the gradient, whatever the decay


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), RMSProp(0.1), Adam(0.1)], ids=repr)
def test_a_learning_rate_changed_between_steps_holds_from_then_on(optimizer):
    params, gradients = random_problem("float64")
    optimizer = fresh(optimizer)
    run(optimizer, params, gradients[:2])
    optimizer.learning_rate = np.float64(0.0)  # what a schedule may hand over
    assert type(optimizer.learning_rate) is float
    stepped = run(optimizer, params, gradients[2:])
    for name in params:
        np.testing.assert_array_equal(stepped[name], params[name])


def test_state_is_plain_arrays_by_parameter_and_slot():
    params, gradients = random_problem("float32")
    slots = {SGD(0.1): [], SGD(0.1, 0.9): ["velocity"], RMSProp(): ["mean_square"], Adam(): ["mean", "mean_square"]}
    for optimizer, names in slots.items():
        run(optimizer, params, gradients)
        assert list(optimizer.state) == list(params)
        assert optimizer.iterations == STEPS
        for name, param in params.items():
            assert list(optimizer.state[name]) == names
            for array in optimizer.state[name].values():
                assert (array.shape, array.dtype) == (param.shape, param.dtype)


@pytest.mark.parametrize("kind", [lambda: SGD(0.1, 0.9), RMSProp, Adam, AdamW])
def test_state_and_iterations_are_all_there_is_to_continue(kind):
    params, gradients = random_problem("float64")
    whole = run(kind(), params, gradients)
    first, second = kind(), kind()
    middle = run(first, params, gradients[:3])
    second.state = {name: {slot: a.copy() for slot, a in slots.items()} for name, slots in first.state.items()}
    second.iterations = first.iterations
    continued = run(second, middle, gradients[3:])
    for name in params:
        np.testing.assert_array_equal(continued[name], whole[name])


@pytest.mark.parametrize("optimizer", [optimizer for optimizer, _ in CASES], ids=repr)
def test_later_steps_allocate_no_arrays(optimizer):
    optimizer = fresh(optimizer)
    params = {"w": np.ones((1000, 1000), np.float32), "b": np.ones(1000, np.float32)}
    grads = {name: np.ones_like(array) for name, array in params.items()}
    optimizer.step(params, grads)
    tracemalloc.start()
    try:
        for _ in range(3):
            optimizer.step(params, grads)
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000 and left < 5_000  # bytes; one array of b's size has 4,000, of a block's 262,144


def wrong_steps():
    w, b = np.ones((2, 3), "float32"), np.ones(3, "float32")
    params, grads = {"w": w, "b": b}, {"w": w.copy(), "b": b.copy()}
    return {
        "missing": (params, {"w": w}, ValueError, "no gradient for b"),
        "none": (params, grads | {"b": None}, ValueError, "no gradient for b"),
        "unknown": (params, grads | {"extra": b}, ValueError, "unknown parameters: extra"),
        "shape": (params, grads | {"b": np.ones(2, "float32")}, ValueError, r"b is float32 of shape \(3,\).*\(2,\)"),
        "dtype": (params, grads | {"b": b.astype("float64")}, ValueError, "gradient float64"),
        "integers": (params | {"b": np.ones(3, int)}, grads, TypeError, "b as int64"),
    }


@pytest.mark.parametrize("case", wrong_steps())
@pytest.mark.parametrize("kind", [lambda: SGD(0.1, 0.9), RMSProp, Adam, AdamW])
def test_errors_name_the_parameter_and_change_nothing(kind, case):
    params, grads, error, message = wrong_steps()[case]
    optimizer = kind()
    before = {name: array.copy() for name, array in params.items()}
    with pytest.raises(error, match=message):
        optimizer.step(params, grads)
    for name in params:
        np.testing.assert_array_equal(params[name], before[name])
    assert optimizer.iterations == 0 and optimizer.state == {}


def test_read_only_parameters_are_refused():
    w = np.ones(3)
    w.flags.writeable = False
    with pytest.raises(TypeError, match="read-only float64"):
        SGD(0.1).step({"w": w}, {"w": np.ones(3)})


def test_slots_of_another_model_are_refused():
    optimizer = Adam()
    optimizer.step({"w": np.ones(3)}, {"w": np.ones(3)})
    w = np.ones(4)
    with pytest.raises(ValueError, match=r"its mean float64 of shape.*Make a new Adam"):
        optimizer.step({"w": w}, {"w": np.ones(4)})
    assert optimizer.iterations == 1 and np.all(w == 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(0), "0 < learning_rate"),
        (lambda: SGD(-0.1), "0 < learning_rate"),
        (lambda: SGD(float("nan")), "finite"),
        (lambda: SGD(float("inf")), "finite"),
        (lambda: SGD(0.1, momentum=1), "0 <= momentum < 1"),
        (lambda: SGD(0.1, momentum=-0.1), "0 <= momentum < 1"),
        (lambda: SGD(0.1, nesterov=True), "needs a momentum"),
        (lambda: SGD(0.1, weight_decay=-1), "0 <= weight_decay"),
        (lambda: RMSProp(rho=1), "0 <= rho < 1"),
        (lambda: RMSProp(eps=0), "0 < eps"),
        (lambda: Adam(beta1=1), "Adam needs.*0 <= beta1 < 1"),
        (lambda: AdamW(beta2=-0.5), "AdamW needs.*0 <= beta2 < 1"),
        (lambda: AdamW(eps=-1e-8), "0 < eps"),
        (lambda: setattr(SGD(0.1), "learning_rate", -1), "0 <= learning_rate"),
    ],
)
def test_constructor_arguments_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", ["0.1", None, True, [0.1]])
def test_a_learning_rate_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match="learning_rate"):
        SGD(value)


def test_repr_and_config_make_the_same_optimizer():
    optimizer = SGD(0.05, momentum=0.9)
    assert repr(optimizer) == "SGD(learning_rate=0.05, momentum=0.9)"
    assert optimizer.config == {"learning_rate": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
    assert repr(AdamW()) == "AdamW()"
    assert AdamW().config["weight_decay"] == 0.01
