"""check_layer, check_loss and check_model on objects that only look like minicnn's, and that stay as they were."""

import gradcheck_pairs as pairs
import numpy as np
import pytest

from minicnn.gradcheck import check_layer, check_loss, check_model, objects


class Dense:
    """A learner's layer: nothing inherited, float32, one cache, built by hand; in float64 only when checked."""

    def __init__(self, n_in, n_out, seed=0):
        rng = np.random.default_rng(seed)
        w, b = rng.normal(size=(n_in, n_out)), rng.normal(size=n_out)
        self.params, self.grads = {"w": w.astype(np.float32), "b": b.astype(np.float32)}, {}

    def forward(self, x, training=False):
        y, self.cache = pairs.dense_forward(x, self.params["w"], self.params["b"])
        return y

    def backward(self, dy):
        dx, dw, db = pairs.dense_backward(dy, self.cache)
        self.grads = {"w": dw, "b": db}
        return dx


class Unbuilt:
    """A layer whose parameter comes with `build`."""

    def build(self, input_shape, rng=None, dtype=np.float32):
        self.dtype = np.dtype(dtype)
        self.params, self.grads = {"scale": rng.normal(size=input_shape).astype(dtype)}, {}
        return input_shape

    seen = []

    def forward(self, x, training=False):
        assert x.dtype == self.dtype == self.params["scale"].dtype == np.float64
        self.seen.append(self.params["scale"][0])
        self.x = x
        return x * self.params["scale"]

    def backward(self, dy):
        self.grads["scale"] = (dy * self.x).sum(axis=0)
        return dy * self.params["scale"]


class NoisyNorm:
    """Random and with a state, in training: dropout behind a running maximum that scales the input."""

    def __init__(self, in_place=False):
        self.rng, self.in_place = np.random.default_rng(3), in_place
        self.params, self.grads, self.state = {}, {}, {"largest": np.ones(1, np.float32)}

    def forward(self, x, training=False):
        self.factor = 1 / self.state["largest"]
        if training:
            self.factor = self.factor * (self.rng.random(x.shape) < 0.5)
            if self.in_place:
                self.state["largest"] += 1
            else:
                self.state["largest"] = self.state["largest"] + 1
        return x * self.factor

    def backward(self, dy):
        return dy * self.factor


class Model:
    """Layers in a row; names and arrays of the parameters are gathered on demand."""

    def __init__(self, layers):
        self.layers = layers

    def _gather(self, kind):
        return {f"{k}.{name}": a for k, layer in enumerate(self.layers) for name, a in getattr(layer, kind).items()}

    params = property(lambda self: self._gather("params"))
    grads = property(lambda self: self._gather("grads"))

    def forward(self, x, training=False):
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy


class CrossEntropy:
    def forward(self, prediction, labels):
        loss, self.cache = pairs.cross_entropy_forward(prediction, labels)
        return loss

    def backward(self):
        return pairs.cross_entropy_backward(1.0, self.cache)


def frozen(thing):
    """Everything in an object, for comparison: arrays as bytes, generators as their state."""
    if isinstance(thing, np.ndarray):
        return thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, np.random.Generator):
        return str(thing.bit_generator.state)
    if isinstance(thing, dict):
        return {k: frozen(v) for k, v in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [frozen(v) for v in thing]
    return frozen(vars(thing)) if hasattr(thing, "__dict__") else thing


X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def test_a_float32_layer_is_checked_in_float64_and_left_untouched():
    layer = Dense(4, 3)
    layer.backward(layer.forward(X) * 2)
    before = frozen(layer)
    report = check_layer(layer, X)
    assert report.passed and not report.findings and report.max_relative_error < 1e-8
    assert [(a.name, a.shape) for a in report.arguments] == [("x", (5, 4)), ("w", (4, 3)), ("b", (3,))]
    assert frozen(layer) == before and report.title == "Dense"


def test_an_unbuilt_layer_is_built_on_a_copy():
    layer = Unbuilt()
    assert check_layer(layer, X).passed and not vars(layer)
    first = []
    for seed in (0, 1, 0):
        Unbuilt.seen.clear()
        check_layer(layer, X, seed=seed)
        first.append(Unbuilt.seen[0])
    assert first[0] == first[2] != first[1]


def test_a_layer_built_in_float32_computes_in_float64_when_checked():
    layer = Unbuilt()
    layer.build((4,), np.random.default_rng(0), np.float32)
    before = frozen(layer)
    assert check_layer(layer, X).passed and frozen(layer) == before


@pytest.mark.parametrize("in_place", [False, True])
def test_state_and_randomness_are_wound_back(in_place):
    layer = NoisyNorm(in_place)
    before = frozen(layer)
    report = check_layer(layer, X)
    assert report.passed and not report.findings and frozen(layer) == before
    assert 0 < np.count_nonzero(report["x"].analytic) < X.size
    assert np.count_nonzero(check_layer(layer, X, training=False)["x"].analytic) == X.size


def test_a_wrong_parameter_gradient_is_found():
    class Wrong(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            self.grads["b"] = self.grads["b"] / len(dy)
            return dx

    report = check_layer(Wrong(4, 3), X)
    assert [a.passed for a in report.arguments] == [True, True, False] and report.findings[0].argument == "b"


def test_a_forgotten_parameter_gradient_says_so():
    class Forgetful(Dense):
        def backward(self, dy):
            dx = super().backward(dy)
            del self.grads["b"]
            return dx

    with pytest.raises(ValueError, match=r"Forgetful.backward left no gradient for b: put one into grads"):
        check_layer(Forgetful(4, 3), X)


def test_gradients_that_pile_up_are_found():
    class Accumulating(Dense):
        def backward(self, dy):
            old = self.grads
            dx = super().backward(dy)
            self.grads = {name: g + old.get(name, 0) for name, g in self.grads.items()}
            return dx

    layer = Accumulating(4, 3)
    layer.backward(layer.forward(X))  # what is there already does not count
    report = check_layer(layer, X)
    assert [f.code for f in report.findings] == ["backward-not-repeatable"] and report["w"].passed


def test_a_layer_that_changes_its_own_parameters_is_found():
    class Decaying(Dense):
        def forward(self, x, training=False):
            y = super().forward(x, training)
            self.params["w"] *= 0.9
            return y

    report = check_layer(Decaying(4, 3), X)
    assert ("argument-modified", "w") in [(f.code, f.argument) for f in report.findings] and not report.passed


def test_a_layer_that_is_random_in_secret_is_found():
    class Secret:
        """Keeps its generator where nobody looks."""

        params, grads = {}, {}

        def __init__(self):
            self.hidden = [np.random.default_rng(0)]

        def forward(self, x, training=False):
            self.mask = self.hidden[0].random(x.shape) < 0.5
            return x * self.mask

        def backward(self, dy):
            return dy * self.mask

    report = check_layer(Secret(), X)
    assert [f.code for f in report.findings] == ["not-repeatable"]


def test_a_model_with_its_loss():
    model, loss, labels = (
        Model([Dense(4, 3), NoisyNorm(), Dense(3, 3, seed=1)]),
        CrossEntropy(),
        np.array([0, 2, 1, 1, 0]),
    )
    before = frozen(model), frozen(loss), frozen(labels), frozen(X)
    report = check_model(model, X, labels, loss)
    assert report.passed and not report.findings and report.max_relative_error < 1e-7
    assert [a.name for a in report.arguments] == ["x", "0.w", "0.b", "2.w", "2.b"]
    assert (frozen(model), frozen(loss), frozen(labels), frozen(X)) == before
    assert report.title == "Model with CrossEntropy"
    wrong = Model([*model.layers[:2], Doubled(3, 3, seed=1)])
    report = check_model(wrong, X, labels, loss, max_evaluations=100, tolerance=1e-6, title="doubled")
    assert [a.passed for a in report.arguments] == [False, False, False, True, True]
    assert report.title == "doubled" and report.tolerance == 1e-6 and report["x"].compared < X.size


class Doubled(Dense):
    """Gives twice the gradient to the layer before."""

    def backward(self, dy):
        return 2 * super().backward(dy)


def test_a_loss_alone():
    loss, labels = CrossEntropy(), np.array([0, 2, 1, 1, 0])
    report = check_loss(loss, X, labels)
    assert report.passed and [a.name for a in report.arguments] == ["prediction"] and not vars(loss)

    class Wrong(CrossEntropy):
        def backward(self):
            return super().backward() * len(labels)

    assert not check_loss(Wrong(), X, labels).passed
    squares = Squares()
    assert check_loss(squares, X, X / 2).passed and not check_loss(squares, X, X / 2).unchecked


class Squares:
    """A loss with labels of floats."""

    def forward(self, prediction, labels):
        self.error = prediction - labels
        return float(np.mean(self.error**2))

    def backward(self):
        return 2 * self.error / self.error.size


def test_the_name_of_the_class_is_a_hint(monkeypatch):
    from minicnn import BatchNorm, Conv2D, Dropout, Flatten, SoftmaxCrossEntropy

    about = objects.hints_about
    assert about(Conv2D(4, 3, stride=2)) == {
        "operation": "conv2d",
        "stride": 2,
        "padding": "valid",
        "dilation": 1,
        "groups": 1,
    }
    assert about(BatchNorm(eps=0.1)) == {"operation": "batchnorm", "eps": 0.1}
    assert about(BatchNorm(), training=False) is None and about(Dropout(0.5), training=False) is None
    assert about(Flatten()) is None and about(Squares()) is None
    assert about(Dense(2, 3)) == {"operation": "dense"}  # a learner's own
    assert about(SoftmaxCrossEntropy())["operation"] == "softmax_cross_entropy"

    seen = []
    check = objects.check
    monkeypatch.setattr(objects, "check", lambda *a, hints, **o: seen.append(hints) or check(*a, **o))
    check_layer(Dense(4, 3), X)
    check_layer(Dense(4, 3), X, hints="relu")
    check_layer(NoisyNorm(), X)
    check_loss(CrossEntropy(), X, np.array([0, 2, 1, 1, 0]))
    assert seen == [{"operation": "dense"}, "relu", None, None]


# ---- which layer of a model is wrong ----


class TransposedGradient(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["w"] = self.grads["w"].T
        return dx


class WithoutBias(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["b"] = 0 * self.grads["b"]
        return dx


LABELS = np.array([0, 2, 1, 1, 0])


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_the_wrong_layer_is_named(where):
    layers = [(Doubled if k == where else Dense)(4, 4, seed=k) for k in range(4)]
    report = check_model(Model(layers), X, LABELS, CrossEntropy())
    assert not report.passed
    assert [f.evidence["layer"] for f in report.findings] == [f"layer {where}, Doubled"]
    (finding,) = report.findings
    assert finding.argument == ("x" if where == 0 else None)
    assert finding.message.startswith(f"the mistake is in layer {where}, Doubled, the gradient of its x: ")
    assert [a.passed for a in report.arguments[:2]] == [False, where == 0]


def test_a_wrong_parameter_is_named_as_in_the_model():
    model = Model([Dense(4, 4), NoisyNorm(), WithoutBias(4, 3, seed=1)])
    report = check_model(model, X, LABELS, CrossEntropy())
    assert [(f.code, f.argument) for f in report.findings] == [("zero-gradient", "2.b")]
    assert "layer 2, WithoutBias" in str(report)


def test_several_wrong_layers_are_all_named_the_last_first():
    model = Model([Dense(4, 4), Doubled(4, 4, seed=1), TransposedGradient(4, 4, seed=2), Dense(4, 3, seed=3)])
    report = check_model(model, X, LABELS, CrossEntropy())
    assert [f.evidence["layer"] for f in report.findings] == ["layer 2, TransposedGradient", "layer 1, Doubled"]
    assert report.findings[0].code == "transposed" and report.findings[0].argument == "2.w"


def test_a_wrong_loss_is_named():
    class Wrong(CrossEntropy):
        def backward(self):
            return -super().backward()

    report = check_model(Model([Dense(4, 4), Dense(4, 3)]), X, LABELS, Wrong())
    assert [f.evidence["layer"] for f in report.findings] == ["Wrong"] and report.findings[0].code == "sign-flipped"


def test_where_every_layer_is_right_the_model_is_to_blame():
    class Forgetful(Model):
        def backward(self, dy):
            return super().backward(dy) * 3

    report = check_model(Forgetful([Dense(4, 4), Dense(4, 3)]), X, LABELS, CrossEntropy())
    assert [(f.code, f.argument) for f in report.findings] == [("factor-constant", "x")]
    assert "layer" not in report.findings[0].evidence


class Residual(Model):
    def forward(self, x, training=False):
        return x + super().forward(x, training)

    def backward(self, dy):
        return self.way_past(dy) + super().backward(dy)

    def way_past(self, dy):
        return dy


def test_a_wrong_layer_is_named_in_a_model_that_is_no_chain():
    report = check_model(Residual([Dense(4, 4), Doubled(4, 4)]), X, LABELS, CrossEntropy())
    assert [f.evidence["layer"] for f in report.findings] == ["layer 1, Doubled"]


def test_a_kink_in_a_right_layer_is_no_mistake_of_it():
    class ReLU(NoisyNorm):
        def forward(self, x, training=False):
            self.factor = x > 0
            return x * self.factor

    report = check_model(Model([ReLU(), Doubled(4, 4)]), np.maximum(X, 0), LABELS, CrossEntropy())
    assert [f.evidence["layer"] for f in report.findings if f.is_error] == ["layer 1, Doubled"]
    assert not any("layer 0" in f.message for f in report.findings)


def test_where_the_model_itself_is_wrong_it_is_explained_as_a_whole():
    class Forgetful(Residual):
        def way_past(self, dy):
            return 0 * dy

    report = check_model(Forgetful([Dense(4, 4), Dense(4, 4)]), X, LABELS, CrossEntropy())
    assert not report.passed and report.findings and "layer" not in report.findings[0].evidence


def test_the_model_is_left_as_it_was_also_when_it_is_wrong():
    model, loss = Model([Doubled(4, 3), NoisyNorm()]), CrossEntropy()
    before = frozen(model), frozen(loss)
    assert not check_model(model, X, LABELS, loss).passed and (frozen(model), frozen(loss)) == before


def test_minicnns_own_layers_have_their_names(monkeypatch):
    from minicnn import BatchNorm, Flatten, Sequential, SoftmaxCrossEntropy
    from minicnn import Dense as RealDense

    class WrongNorm(BatchNorm):
        def backward(self, dy):
            return super().backward(dy) + 1e-3 * dy.mean(axis=0)

    layers = [Flatten(), RealDense(5), WrongNorm(), RealDense(3)]
    model = Sequential(layers, input_shape=(2, 2, 1))
    report = check_model(
        model, np.random.default_rng(0).normal(size=(6, 2, 2, 1)), LABELS[[0, 1, 2, 3, 4, 0]], SoftmaxCrossEntropy()
    )
    assert [f.evidence["layer"] for f in report.findings] == ["wrongnorm_1"]
    assert "Mend first what was found: x, dense_1.w, dense_1.b may be wrong only because of it." in " ".join(
        str(report).split()
    )
