"""The grammar of `minicnn train --layers`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicnn.commands.calls import LONGEST, CallError, make, make_all, split_calls
from minicnn.layers import LAYERS, Conv2D, Dense

EVERY_LAYER = (
    "Conv2D(16, 3, padding='same') Conv2D(4, (3, 5), stride=2, padding=((1, 1), (2, 2)), groups=2) MaxPool2D(3) "
    "AvgPool2D() GlobalAvgPool2D() BatchNorm(0.5) Dropout(0.2) SpatialDropout2D(0.1) Dense(10, False) Flatten() "
    "ReLU() LeakyReLU(0.2) Sigmoid() Tanh() Softmax()"
)


def test_calls_become_objects():
    conv, dense = make_all("Conv2D(16, 3, padding=same, use_bias=False)  Dense(10)", LAYERS, "layer")
    assert isinstance(conv, Conv2D) and isinstance(dense, Dense) and dense.units == 10
    assert (conv.filters, conv.kernel_size, conv.padding, conv.use_bias) == (16, 3, "same", False)


def test_what_a_layer_shows_is_read_as_the_same_layer():
    layers = make_all(EVERY_LAYER, LAYERS, "layer")
    assert {type(layer).__name__ for layer in layers} == set(LAYERS)
    shown = " ".join(map(repr, layers))
    again = make_all(shown, LAYERS, "layer")
    assert [layer.config for layer in again] == [layer.config for layer in layers]


@pytest.mark.parametrize(
    "text", ["Flatten() Dense(10)", "Flatten(), Dense(10)", "Flatten\n Dense(10),", "Flatten Dense( 10 )"]
)
def test_spaces_and_commas_between_calls_are_alike(text):
    assert [repr(layer) for layer in make_all(text, LAYERS, "layer")] == ["Flatten()", "Dense(10)"]


def test_commas_in_brackets_do_not_cut():
    assert split_calls("A(1, (2, 3)) B([4, 5])") == ["A(1, (2, 3))", "B([4, 5])"]


def test_defaults_fill_what_the_text_leaves_out():
    def loss(rate, momentum=0.0):
        return rate, momentum

    known = {"loss": loss}
    assert make("loss", known, "x", {"rate": 1, "other": 2}) == (1, 0.0)
    assert make("loss(3)", known, "x", {"rate": 1, "momentum": 0.5}) == (3, 0.5)
    assert make("loss(rate=3)", known, "x", {"rate": 1}) == (3, 0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Conv2d(3, 3)", r"no layer 'Conv2d'; did you mean 'Conv2D'\?"),
        ("relu()", r"did you mean 'ReLU'\?"),
        ("Xyzzy()", r"no layer 'Xyzzy'\. Known: Conv2D,"),
        ("Conv2D(3, 3, pading=same)", r"no option 'pading'; did you mean 'padding'\? Its: filters, kernel_size"),
        ("ReLU(zzz=1)", r"ReLU has no option 'zzz'\. Its: none"),
        ("Dense()", "missing a required argument: 'units'"),
        ("Dense(1, units=2)", "multiple values for argument 'units'"),
        ("Dense(1, 2, 3, 4)", "too many positional arguments"),
        ("Dense(-1)", "1 <= units"),
        ("Dense(10", "cannot be read"),
        ("Dense(10))", "cannot be read"),
        ("3", "is no layer"),
        ("minicnn.Dense(3)", "is no layer"),
        ("Dense(open('x'))", r"open\('x'\)\" is no value"),
        ("Dense(2**9)", "is no value"),
        ("Dense(units.__class__)", "is no value"),
        ("Dense([n for n in (1,)])", "is no value"),
        ("Dense(**{'units': 3})", "is not read here"),
        ("Dense(*(3,))", "is no value"),
        ("__import__('os').system('echo')", "is no layer"),
        ("Dense(\0)", "cannot be read"),
        ("Dense(" + "(" * 5000 + ")" * 5000 + ")", "cannot be read"),
        ("Dense(" + "-" * 900 + "1)", "is no value"),
        ("Dense(" + "-" * 50_000 + "1)", "cannot be read"),
        (" " * (LONGEST + 1), "letters are more than"),
    ],
)
def test_what_is_no_call_is_told(text, message):
    with pytest.raises(CallError, match=message):
        make_all(text, LAYERS, "layer")


@given(st.text(alphabet="Dens(10,=) '[]*.\"\\_\n", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        layers = make_all(text, {"Dense": Dense, "D": Dense}, "layer")
    except CallError:
        return
    assert all(isinstance(layer, Dense) for layer in layers)
