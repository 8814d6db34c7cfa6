"""Exercise 14: a training loop.

First a network of two layers put together from your own functions,

    z = relu(x w1 + b1) w2 + b2,      L = softmax cross-entropy(z, labels)                          (1)

forward from the left to the right, backward from the right to the left: what comes out of one backward function is the
dy of the one before it. Its parameters lie in a dictionary {"w1": ..., "b1": ..., "w2": ..., "b2": ...}; the gradients
come back under the same names.

Then the loop that learns. In every epoch it goes through all N examples once, in a new random order, a batch at a time:

    for each epoch:
        draw an order of the N examples with rng
        for each batch of batch_size examples in this order (the last one holds what is left):      (2)
            loss, gradients = loss_and_gradients(params, x of the batch, labels of the batch)
            one step of SGD with momentum for each parameter, its velocity at zero in the beginning

The loss of an epoch is the mean over its N examples. The loss of a batch is a mean already: a smaller last batch counts
for less.                                                                                           (3)

It builds on exercises 1, 2, 3 and 13: `yours` gets the functions out of your own files.

Write the two functions, then: minicnn exercises check 14
"""

from collections.abc import Callable

import numpy as np

from minicnn.exercises.yours import (
    dense_backward,
    dense_forward,
    relu_backward,
    relu_forward,
    sgd_step,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)


def two_layer_loss_and_gradients(
    params: dict[str, np.ndarray], x: np.ndarray, labels: np.ndarray
) -> tuple[float, dict[str, np.ndarray]]:
    """Loss of the network (1) and its gradients.

    Parameters
    ----------
    params : dict
        "w1" (I, J), "b1" (J,), "w2" (J, K), "b2" (K,).
    x : array, shape (N, I)
    labels : integer array, shape (N,)

    Returns
    -------
    loss : float
    gradients : dict
        dL/d(parameter) under the same names.
    """
    # your code
    hidden, cache1 = dense_forward(x, params["w1"], params["b1"])
    active, cache_relu = relu_forward(hidden)
    logits, cache2 = dense_forward(active, params["w2"], params["b2"])
    loss, cache_loss = softmax_cross_entropy_forward(logits, labels)

    dlogits = softmax_cross_entropy_backward(1.0, cache_loss)
    dactive, dw2, db2 = dense_backward(dlogits, cache2)
    dhidden = relu_backward(dactive, cache_relu)
    _, dw1, db1 = dense_backward(dhidden, cache1)
    return loss, {"w1": dw1, "b1": db1, "w2": dw2, "b2": db2}
    # end


def train(
    params: dict[str, np.ndarray],
    x: np.ndarray,
    labels: np.ndarray,
    loss_and_gradients: Callable,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    momentum: float,
    rng: np.random.Generator,
    after_epoch: Callable | None = None,
) -> tuple[dict[str, np.ndarray], list[float]]:
    """Train by SGD with momentum, the loop (2).

    Parameters
    ----------
    params : dict of str to array
        Where to start; neither the dictionary nor its arrays are to be changed.
    x, labels : array, N examples and N labels
    loss_and_gradients : function (params, x, labels) -> (loss, gradients)
        Such as two_layer_loss_and_gradients.
    epochs, batch_size : int
    learning_rate, momentum : float
    rng : numpy.random.Generator
        For the order: rng.permutation(N) is one.
    after_epoch : function (params, loss), optional
        To be called at the end of each epoch with the parameters and the epoch's loss.

    Returns
    -------
    params : dict of str to array
        The trained parameters.
    losses : list of float
        One number an epoch, equation (3).
    """
    # your code
    velocity = {name: np.zeros_like(param) for name, param in params.items()}
    losses = []
    for _ in range(epochs):
        order = rng.permutation(len(x))
        total = 0.0
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            loss, gradients = loss_and_gradients(params, x[batch], labels[batch])
            total += loss * len(batch)
            stepped = {
                name: sgd_step(params[name], gradients[name], velocity[name], learning_rate, momentum)
                for name in params
            }
            params = {name: w for name, (w, _) in stepped.items()}
            velocity = {name: v for name, (_, v) in stepped.items()}
        losses.append(total / len(x))
        if after_epoch is not None:
            after_epoch(params, losses[-1])
    return params, losses
    # end


# ==== The checker's part: not in the learner's file ====

from dataclasses import dataclass, field

from minicnn import SGD, Dense, ReLU, Sequential, SoftmaxCrossEntropy
from minicnn.exercises.exercise import Condition, Exercise, Gradients, Values, Wrong

N, BATCH, EPOCHS, RATE, MOMENTUM = 10, 4, 3, 0.5, 0.5  # batches of 4, 4 and 2 examples
SHAPES = {"w1": (3, 4), "b1": (4,), "w2": (4, 2), "b2": (2,)}


def network() -> dict[str, np.ndarray]:
    """Parameters of a small network."""
    rng = np.random.default_rng(3)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def small_batch() -> dict[str, object]:
    """Arguments of two_layer_loss_and_gradients."""
    rng = np.random.default_rng(4)
    return {"params": network(), "x": rng.normal(size=(5, 3)), "labels": np.array([0, 1, 1, 0, 1])}


def right_loss(params: dict[str, np.ndarray], x: np.ndarray, labels: np.ndarray) -> tuple[float, None]:
    """The same network in minicnn's layers."""
    model = Sequential([Dense(4), ReLU(), Dense(2)], input_shape=(3,), dtype="float64")
    for param, name in zip(model.params.values(), SHAPES, strict=True):
        param[...] = params[name]
    return SoftmaxCrossEntropy().forward(model.forward(x), labels), None


def as_pair(yours):
    """The function for loss and gradients as a forward and a backward function."""
    labels = small_batch()["labels"]

    def forward(x, *params):
        return yours.two_layer_loss_and_gradients(dict(zip(SHAPES, params, strict=True)), x, labels)

    def backward(dy, gradients):
        return None, *(dy * gradients[name] for name in SHAPES)

    return forward, backward


def goes_back_through_the_relu(yours) -> Wrong | None:
    """The slip that is easiest to make: h's gradient taken for a's."""
    params, x, labels = small_batch().values()
    loss = SoftmaxCrossEntropy()
    hidden = x @ params["w1"] + params["b1"]
    loss.forward(np.maximum(hidden, 0) @ params["w2"] + params["b2"], labels)
    dactive = loss.backward() @ params["w2"].T
    _, gradients = yours.two_layer_loss_and_gradients(params, x, labels)
    if np.shape(gradients.get("b1")) == (4,) and np.allclose(gradients["b1"], dactive.sum(axis=0)):
        message = "On the way back the ReLU is left out: dw1 and db1 are made of the gradient behind it."
        return Wrong("mask-missing", message)
    return None


@dataclass
class Listener:
    """Stands in for loss_and_gradients and writes down how it is called.

    Example i is the number i, its label 100 + i; the loss of a batch is the mean of its examples.
    """

    calls: list[tuple[dict, np.ndarray, np.ndarray]] = field(default_factory=list)
    epochs: list[tuple[dict, float]] = field(default_factory=list)

    def __call__(self, params: dict, x: np.ndarray, labels: np.ndarray) -> tuple[float, dict]:
        """Loss and gradients of a batch; gradients grow from call to call."""
        self.calls.append(({k: v.copy() for k, v in params.items()}, np.array(x), np.array(labels)))
        return float(x.mean()), {name: 0.1 * value + len(self.calls) for name, value in params.items()}

    def after_epoch(self, params: dict, loss: float) -> None:
        """Write down the end of an epoch."""
        self.epochs.append(({k: v.copy() for k, v in params.items()}, loss))

    @property
    def order(self) -> np.ndarray:
        """The examples in the order in which they came."""
        return np.concatenate([x.ravel() for _, x, _ in self.calls]) if self.calls else np.empty(0)


def trained(yours, seed: int = 0, epochs: int = EPOCHS):
    """Run the learner's loop on the numbers 0 to N - 1; returns the listener and what came back."""
    listener, params = Listener(), start()
    x, labels = np.arange(float(N))[:, None], 100 + np.arange(N)
    rng = np.random.default_rng(seed)
    result = yours.train(params, x, labels, listener, epochs, BATCH, RATE, MOMENTUM, rng, listener.after_epoch)
    return listener, result, params


def start() -> dict[str, np.ndarray]:
    """Parameters to start from."""
    return {"w": np.array([1.0, -2.0]), "b": np.array([0.5])}


def sees_every_example(yours) -> Wrong | None:
    """All batches, and the labels of their own examples."""
    listener, _, _ = trained(yours)
    sizes = [len(x) for _, x, _ in listener.calls]
    for _, x, labels in listener.calls:
        if not np.array_equal(labels - 100, x.ravel()):
            return Wrong("labels-of-others", "A batch came with the labels of other examples: index both by one order.")
    if sizes and max(sizes) > BATCH:
        return Wrong("wrong-batches", f"A batch held {max(sizes)} examples; batch_size was {BATCH}.")
    if sizes == EPOCHS * (N // BATCH) * [BATCH]:
        message = f"The last {N % BATCH} examples of an epoch are left out: the last batch holds what is left."
        return Wrong("last-batch-dropped", message)
    if len(listener.order) != EPOCHS * N:
        message = (
            f"In {EPOCHS} epochs over {N} examples, loss_and_gradients saw {len(listener.order)} in {len(sizes)} calls."
        )
        return Wrong("wrong-batches", message)
    for epoch in listener.order.reshape(EPOCHS, N):
        if not np.array_equal(np.sort(epoch), np.arange(N)):
            message = (
                "In one epoch some examples came twice and others not at all: take each once, as rng.permutation does."
            )
            return Wrong("drawn-with-replacement", message)
    return None


def shuffles(yours) -> Wrong | None:
    """A new order each epoch, from rng alone."""
    orders = trained(yours)[0].order.reshape(EPOCHS, N)
    if np.array_equal(orders[0], np.arange(N)):
        return Wrong("not-shuffled", "The examples come in the order in which they lie there: draw an order with rng.")
    if np.array_equal(orders[0], orders[1]):
        return Wrong(
            "same-order-every-epoch", "Every epoch has the same order: draw a new one inside the epochs' loop."
        )
    again, other = trained(yours)[0].order, trained(yours, seed=1)[0].order
    if not np.array_equal(orders.ravel(), again):
        return Wrong(
            "not-from-rng", "The same rng gave another order the second time: all randomness must come from rng."
        )
    if np.array_equal(orders.ravel(), other):
        return Wrong("not-from-rng", "Another rng gave the same order: all randomness must come from rng.")
    return None


def steps(yours) -> Wrong | None:
    """The parameters of every call against minicnn's SGD, fed with the gradients of the call before."""
    listener, (final, _), _ = trained(yours)
    right, optimizer = start(), SGD(RATE, momentum=MOMENTUM)
    calls = [params for params, _, _ in listener.calls] + [final]
    for k, params in enumerate(calls):
        if params.keys() != right.keys():
            return Wrong(
                "parameters-lost", f"After step {k} there are parameters {list(params)}, expected {list(right)}."
            )
        wrong = [name for name in right if not np.allclose(params[name], right[name], rtol=1e-9, atol=1e-12)]
        if wrong:
            return _misstep(k, wrong[0], calls, right)
        if k < len(calls) - 1:
            gradients = {name: 0.1 * value + (k + 1) for name, value in right.items()}
            optimizer.step(right, gradients)
    return None


def _misstep(k: int, name: str, calls: list[dict], right: dict) -> Wrong:
    """Say what the first wrong step looks like."""
    got = calls[k][name]
    if k == 0:
        return Wrong("wrong-start", f"The first batch did not get the parameters handed in, but {name} = {got}.")
    before, last = calls[k - 1], "the end" if k == len(calls) - 1 else f"batch {k + 1}"
    if np.array_equal(got, before[name]):
        return Wrong("no-step", f"{name} is the same after step {k} as before it: keep what sgd_step returns.")
    gradient = 0.1 * before[name] + k
    if k > 1 and np.allclose(got, before[name] - RATE * gradient):
        when = "at every step" if k == 2 else "at the start of an epoch"
        return Wrong("velocity-lost", f"Step {k} went on without velocity: it is set back to zero {when}.")
    if np.allclose(got, before[name] + RATE * gradient):
        return Wrong("sign-flipped", "The parameters went up the gradient: the loss grows. Step against it.")
    return Wrong("wrong-step", f"After step {k} (before {last}), {name} is {got}, expected {right[name]}.")


def means(yours) -> Wrong | None:
    """The losses of the epochs, equation (3)."""
    listener, (_, losses), _ = trained(yours)
    right = (N - 1) / 2  # the mean of 0 to N - 1
    if len(losses) != EPOCHS:
        kind = "one a batch" if len(losses) == len(listener.calls) else f"{len(losses)} numbers"
        return Wrong("wrong-losses", f"losses holds {kind}, expected one number an epoch, {EPOCHS} in all.")
    if np.allclose(losses, right):
        return None
    batches = np.array([x.mean() for _, x, _ in listener.calls]).reshape(EPOCHS, -1)
    if np.allclose(losses, batches.mean(axis=1)):
        message = "The epoch's loss is a mean over batches; the small last batch counts as much as the others. See (3)."
        return Wrong("mean-over-batches", message)
    if np.allclose(losses, batches[:, -1]):
        return Wrong(
            "last-batch-only", "The epoch's loss is that of its last batch, expected the mean over all examples."
        )
    if np.allclose(losses, batches.sum(axis=1)):
        return Wrong(
            "sum-of-batches", "The epoch's loss is the sum of its batches' losses, expected the mean. See (3)."
        )
    return Wrong("wrong-losses", f"losses is {losses}, expected {[right] * EPOCHS} for examples 0 to {N - 1}.")


def leaves_the_start(yours) -> Wrong | None:
    """The parameters handed in stay as they are; after_epoch is optional, and called once an epoch."""
    listener, (final, losses), given = trained(yours)
    changed = [name for name, value in start().items() if not np.array_equal(given.get(name), value)]
    if changed:
        message = f"train changed the {changed[0]} that was handed in: the caller may want to start from it again."
        return Wrong("argument-modified", message)
    if [loss for _, loss in listener.epochs] != list(losses):
        message = f"after_epoch must be called once an epoch with (params, loss), got {len(listener.epochs)} calls."
        return Wrong("after-epoch", message)
    if any(not np.array_equal(listener.epochs[-1][0][name], final[name]) for name in final):
        return Wrong("after-epoch", "after_epoch got other parameters than those at the end of the epoch.")
    yours.train(
        start(), np.arange(4.0)[:, None], np.arange(4), Listener(), 1, 2, RATE, MOMENTUM, np.random.default_rng(0)
    )
    return None


EXERCISE = Exercise(
    title="a training loop",
    builds_on=("01_dense", "02_relu", "03_softmax_cross_entropy", "13_optimizers"),
    checks=[
        Values(
            "two_layer_loss_and_gradients",
            small_batch,
            right_loss,
            returns=("loss", None),
            uncompared="gradients",
            title="the network's loss",
        ),
        Condition("back through the relu", goes_back_through_the_relu),
        Gradients(
            "two_layer_loss_and_gradients",
            "two_layer_loss_and_gradients",
            lambda: {"x": small_batch()["x"], **network()},
            pair=as_pair,
            title="the network's gradients",
        ),
        Condition("every example once an epoch", sees_every_example),
        Condition("a new order each epoch", shuffles),
        Condition("every step, with its velocity", steps),
        Condition("the loss of an epoch", means),
        Condition("what was handed in stays", leaves_the_start),
    ],
    hints=[
        """\
The idea. Write the forward functions one below the other, each with a cache of its own name. Then the backward
functions in the opposite order: the first dx that comes out is the dy of the next. For train, write down the loop (2)
first, with nothing in it but the order and the slices, and look at what it prints.""",
        """\
The formula. dlogits from the loss with dy = 1;  (da, dw2, db2) from the second dense layer;  dh from the ReLU;
(_, dw1, db1) from the first. An epoch's loss is 1/N sum over batches of (batch loss) (examples in the batch).""",
        """\
Almost the code. order = rng.permutation(len(x)), inside the epochs' loop. A batch is order[start : start + batch_size]
for start in range(0, len(x), batch_size): the last slice ends by itself. One velocity a parameter, in a dictionary made
before the first epoch; sgd_step returns the new w and the new v: put both into new dictionaries.""",
    ],
    derivation="""\
The chain rule needs no more than this: L depends on w1 only through h = x w1 + b1, h acts only through a = relu(h), a
only through z. So dL/dz, dL/da, dL/dh follow one from the other, and each layer's parameters get their gradient from
the dL/d(output) of their own layer. That is what "backward from the right to the left" means, and all that a framework
does.

An epoch's loss: the batch loss L_B is 1/B sum of its examples' losses. The sum over all examples is therefore the sum
of B L_B over the batches, and the mean is that divided by N. With equal batches it is the mean of the L_B.""",
)
