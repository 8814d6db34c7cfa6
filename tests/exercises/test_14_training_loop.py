"""Exercise 14: right and wrong training loops."""

import pytest
from answers import assert_passed, assert_wrong, verdict_on

NAME = "14_training_loop"

IN_PLACE = """
def train(params, x, labels, loss_and_gradients, epochs, batch_size, learning_rate, momentum, rng, after_epoch=None):
    velocity = {name: np.zeros_like(param) for name, param in params.items()}
    losses = []
    for _ in range(epochs):
        order, total = rng.permutation(len(x)), 0.0
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss, gradients = loss_and_gradients(params, x[batch], labels[batch])
            total += loss * len(batch)
            for name, g in gradients.items():
                velocity[name] = momentum * velocity[name] + g
                params[name] -= learning_rate * velocity[name]
        losses.append(total / len(x))
        if after_epoch is not None:
            after_epoch(params, losses[-1])
    return params, losses
"""

# What a learner wrote, the finding they get, and words that must be in its message.
WRONG = {
    "drops the last batch": (
        [("range(0, len(x), batch_size)", "range(0, len(x) - batch_size + 1, batch_size)")],
        ("last-batch-dropped", "2 examples"),
    ),
    "labels in their own order": (
        [("labels[batch])", "labels[start : start + batch_size])")],
        ("labels-of-others", "one order"),
    ),
    "never shuffles": ([("rng.permutation(len(x))", "np.arange(len(x))")], ("not-shuffled",)),
    "shuffles once": (
        [("losses = []", "losses, order = [], rng.permutation(len(x))"), ("order = rng.permutation(len(x))\n", "\n")],
        ("same-order-every-epoch", "inside"),
    ),
    "shuffles without rng": (
        [("rng.permutation", "np.random.default_rng().permutation")],
        ("not-from-rng", "rng"),
    ),
    "a seed of its own": (
        [("    for _ in range(epochs):", "    rng = np.random.default_rng(0)\n    for _ in range(epochs):")],
        ("not-from-rng", "Another rng"),
    ),
    "draws with replacement": (
        [("rng.permutation(len(x))", "rng.integers(len(x), size=len(x))")],
        ("drawn-with-replacement",),
    ),
    "one batch for all": ([("batch_size):\n", "len(x)):\n"), ("start + batch_size", "len(x)")], ("wrong-batches",)),
    "one epoch less": ([("range(epochs)", "range(epochs - 1)")], ("wrong-batches", "20")),
    "throws the step away": (
        [("(w, _) in stepped", "w in params"), ("(_, v) in stepped", "v in velocity")],
        ("no-step",),
    ),
    "forgets the velocity": (
        [("velocity = {name: v for name, (_, v)", "velocity = {name: 0 * v for name, (_, v)")],
        ("velocity-lost", "every step"),
    ),
    "velocity anew each epoch": (
        [
            (
                "        total = 0.0",
                "        total = 0.0\n        velocity = {n: np.zeros_like(p) for n, p in params.items()}",
            )
        ],
        ("velocity-lost", "start of an epoch"),
    ),
    "climbs": (
        [("learning_rate, momentum)\n                for", "-learning_rate, momentum)\n                for")],
        ("sign-flipped",),
    ),
    "adds the gradient twice": (
        [("gradients[name], velocity", "2 * gradients[name], velocity")],
        ("wrong-step", "expected"),
    ),
    "mean over batches": (
        [("total += loss * len(batch)", "total += loss"), ("total / len(x)", "total / 3")],
        ("mean-over-batches", "(3)"),
    ),
    "loss of the last batch": ([("losses.append(total / len(x))", "losses.append(loss)")], ("last-batch-only",)),
    "sum of the batch losses": (
        [("total += loss * len(batch)", "total += loss"), ("total / len(x)", "total")],
        ("sum-of-batches",),
    ),
    "one loss a batch": (
        [("total += loss * len(batch)", "losses.append(loss)"), ("losses.append(total / len(x))", "pass")],
        ("wrong-losses", "one a batch"),
    ),
    "changes the start": ([IN_PLACE], ("argument-modified", "handed in")),
    "calls after_epoch each batch": (
        [
            (
                "            total += loss",
                "            after_epoch and after_epoch(params, loss)\n            total += loss",
            )
        ],
        ("after-epoch", "once an epoch"),
    ),
    "after_epoch always": (
        [("        if after_epoch is not None:\n            after", "        after")],
        ("raised", "NoneType"),
    ),
    "a backward pass without the relu": (
        [("dhidden = relu_backward(dactive, cache_relu)", "dhidden = dactive")],
        ("mask-missing",),
    ),
    "averages once more": (
        [('"w1": dw1', '"w1": dw1 / len(x)')],
        ("factor-batch", "w1"),
    ),
    "gradients under each other's names": ([('"w1": dw1, "b1": db1', '"w1": dw1, "b1": db2')], ("wrong-shape", "b1")),
    "no relu on the way": (
        [('active, params["w2"]', 'hidden, params["w2"]')],
        ("wrong-value", "loss"),
    ),
}


@pytest.mark.parametrize("answer", WRONG)
def test_wrong_answers_are_named(answer, tmp_path):
    changes, (code, *words) = WRONG[answer]
    assert_wrong(verdict_on(NAME, *changes, tmp_path=tmp_path), code, *words)


RIGHT = {
    "shuffles a list of indices": [
        ("order = rng.permutation(len(x))", "order = list(range(len(x)))\n        rng.shuffle(order)")
    ],
    "shuffles copies of the data": [
        (
            "order = rng.permutation(len(x))",
            "order = rng.permutation(len(x))\n        xs, ts = x[order], labels[order]",
        ),
        ("batch = order[start : start + batch_size]", "batch = slice(start, start + batch_size)"),
        ("x[batch], labels[batch]", "xs[batch], ts[batch]"),
        ("len(batch)", "len(ts[batch])"),
    ],
    "copies first, then changes in place": [
        IN_PLACE.replace("    losses = []", "    params = {n: p.copy() for n, p in params.items()}\n    losses = []")
    ],
}


@pytest.mark.parametrize("answer", RIGHT)
def test_right_answers_pass(answer, tmp_path):
    assert_passed(verdict_on(NAME, *RIGHT[answer], tmp_path=tmp_path))


def test_what_is_missing_beside_the_loss_is_called_gradients(tmp_path):
    answer = """
def two_layer_loss_and_gradients(params, x, labels):
    return 1.0
"""
    assert_wrong(verdict_on(NAME, answer, tmp_path=tmp_path), "wrong-returns", "(loss, gradients)")
