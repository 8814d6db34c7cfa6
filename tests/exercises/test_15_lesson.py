"""Exercise 15: right and wrong chains and arms."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "15_lesson"

# What a learner wrote, the finding they get, and words that must be in its message.
WRONG = {
    "runs from the end": (
        [("in layers:\n        x,", "in layers[::-1]:\n        x,")],
        ("from-the-end", "backward pass"),
    ),
    "feeds every layer with x": (
        [("x, cache = forward(x)", "y, cache = forward(x)"), ("return x, caches", "return y, caches")],
        ("fed-with-x", "output before it"),
    ),
    "returns no caches": ([("return x, caches", "return x")], ("wrong-returns", "2 values")),
    "keeps the inputs in place of the caches": (
        [("caches.append(cache)", "caches.append(x)")],
        ("caches-out-of-order",),
    ),
    "keeps the caches the wrong way round": (
        [("return x, caches", "return x, caches[::-1]")],
        ("caches-out-of-order",),
    ),
    "gradients the wrong way round": ([("gradients[::-1]", "gradients")], ("gradients-reversed", "turn the list")),
    "dx among the gradients": (
        [
            (
                "dy, *of_parameters = backward(dy, cache)",
                "of_parameters = backward(dy, cache)\n        dy = of_parameters[0]",
            )
        ],
        ("dx-among-gradients",),
    ),
    "leaves layers without parameters out": (
        [
            (
                "gradients.append(tuple(of_parameters))",
                "if of_parameters:\n            gradients.append(tuple(of_parameters))",
            )
        ],
        ("empty-left-out",),
    ),
    "does not hand dx on": (
        [
            ("dy, *of_parameters = backward(dy, cache)", "dx, *of_parameters = backward(dy * 1.0, cache)"),
            ("return dy, g", "return dx, g"),
        ],
        ("raised", "ValueError"),
    ),
    "caches of other layers": (
        [("reversed(caches)", "caches")],
        ("raised", "backward"),
    ),
    "dx doubled on the way": (
        [("dy, *of_parameters = backward(dy, cache)", "dy, *of_parameters = backward(2 * dy, cache)")],
        ("factor-constant",),
    ),
    "batch norm after the relu": ([('*norm, "relu"', '"relu", *norm')], ("batchnorm-misplaced", "before the relu")),
    "batch norm on the logits": (
        [('[*layers, "dense 10"]', '[*layers, "dense 10", *norm]')],
        ("batchnorm-misplaced", "dense 10"),
    ),
    "dropout before the pooling": (
        [
            ('*norm, "relu", "maxpool"]', '*norm, "relu", *(["dropout 0.25"] if dropout else []), "maxpool"]'),
            ('        if dropout:\n            layers += ["dropout 0.25"]\n', ""),
        ],
        ("dropout-misplaced", "maxpool"),
    ),
    "no dropout at the end": (
        [('        layers += ["dropout 0.5"]', "        pass")],
        ("dropout-misplaced", "dropout 0.5"),
    ),
    "no flatten": ([('"flatten", "dense 128"', '"dense 128"')], ("wrong-order", "flatten")),
}


@pytest.mark.parametrize("answer", WRONG)
def test_wrong_answers_are_named(answer, tmp_path):
    changes, (code, *words) = WRONG[answer]
    assert_wrong(verdict_on(NAME, *changes, tmp_path=tmp_path), code, *words)


BY_INDEX = """
def chain_backward(layers, dy, caches):
    gradients = [()] * len(layers)
    for k in range(len(layers) - 1, -1, -1):
        result = layers[k][1](dy, caches[k])
        dy, gradients[k] = result[0], tuple(result[1:])
    return dy, gradients
"""
RECURSIVE = """
def chain_forward(layers, x):
    if not layers:
        return x, []
    y, cache = layers[0][0](x)
    y, caches = chain_forward(layers[1:], y)
    return y, [cache, *caches]
"""
INSERTS = [
    ("gradients.append(tuple(of_parameters))", "gradients.insert(0, tuple(of_parameters))"),
    ("gradients[::-1]", "gradients"),
]


@pytest.mark.parametrize("changes", [[BY_INDEX], [RECURSIVE], INSERTS], ids=["by index", "recursive", "inserts"])
def test_right_answers_pass(changes, tmp_path):
    assert_passed(verdict_on(NAME, *changes, tmp_path=tmp_path))


def test_the_network_is_not_turned_round(tmp_path):
    answer = """
def chain_backward(layers, dy, caches):
    gradients = []
    layers.reverse()
    for (_, backward), cache in zip(layers, reversed(caches), strict=True):
        dy, *rest = backward(dy, cache)
        gradients.insert(0, tuple(rest))
    return dy, gradients
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), "argument-modified", "layers[::-1]")
