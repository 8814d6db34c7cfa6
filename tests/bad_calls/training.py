"""Sequential's methods, fit and callbacks."""

import numpy as np

from minicnn import SGD, RunFile, SoftmaxCrossEntropy, augment, callbacks, fit, save
from minicnn.callbacks import Checkpoint, CSVLog, EarlyStopping, LiveCurves, ScheduleLearningRate
from minicnn.layers.layer import NotReadyError
from minicnn.schedules import CosineDecay

from .optimizers import fresh
from .row import Bad


class Endless:
    """Can be indexed, for ever; has no length."""

    def __getitem__(self, part):
        return np.ones((6, 6, 1), np.float32)


class Wrong:
    """A length, and slices that are not of it."""

    def __init__(self, length, part):
        self.length, self.part = length, part

    def __len__(self):
        return self.length

    def __getitem__(self, part):
        return self.part


class Breaks(Wrong):
    def __getitem__(self, part):
        raise OSError("the disk is gone")


NAN = float("nan")
WHOLE = "whole number"
MODEL = [
    Bad("forward: None", lambda t: t.model.forward(None), TypeError, "model takes", "NoneType", "array of floats"),
    Bad(
        "forward: a list", lambda t: t.model.forward(t.x.tolist()), TypeError, "model takes", "list", "array of floats"
    ),
    Bad(
        "forward: bytes",
        lambda t: t.model.forward((t.x * 255).astype("u1")),
        TypeError,
        "model takes",
        "uint8",
        "divide",
    ),
    Bad("forward: one image", lambda t: t.model.forward(t.x[0]), ValueError, "model takes", "(6, 6, 1)", "x[None]"),
    Bad("forward: no image", lambda t: t.model.forward(t.x[:0]), ValueError, "model takes", "(0, 6, 6, 1)", "N > 0"),
    Bad(
        "forward: channels first",
        lambda t: t.model.forward(t.x.transpose(0, 3, 1, 2)),
        ValueError,
        "model takes",
        "(8, 1, 6, 6)",
        "Reshape",
    ),
    Bad("forward: a number", lambda t: t.model.forward(np.float32(1)), ValueError, "model takes", "()", "Reshape"),
    Bad(
        "forward: training text",
        lambda t: t.model.forward(t.x, training="no"),
        TypeError,
        "training",
        "'no'",
        "True or False",
    ),
    Bad(
        "backward: before forward",
        lambda t: fresh().backward(t.dy),
        NotReadyError,
        "Dense.backward",
        "forward",
        "call forward(x)",
    ),
    Bad("backward: None", lambda t: t.model.backward(None), TypeError, "dy", "NoneType", "array of float32"),
    Bad("backward: float64", lambda t: t.model.backward(t.dy.astype("f8")), TypeError, "dy", "float64", "float32"),
    Bad("backward: shape", lambda t: t.model.backward(t.dy[:3]), ValueError, "dy", "(3, 3)", "shape of y"),
    Bad("predict: None", lambda t: t.model.predict(None), TypeError, "predict", "None", "len(x)"),
    Bad("predict: a number", lambda t: t.model.predict(3), TypeError, "predict", "3", "len(x)"),
    Bad("predict: text", lambda t: t.model.predict("cat.jpg"), TypeError, "model takes", "str", "array of floats"),
    Bad("predict: a list", lambda t: t.model.predict([1, 2]), TypeError, "model takes", "list", "array of floats"),
    Bad("predict: a dict", lambda t: t.model.predict({}), TypeError, "predict", "dict", "x[a:b]"),
    Bad("predict: without length", lambda t: t.model.predict(Endless()), TypeError, "predict", "Endless", "len(x)"),
    Bad("predict: a generator", lambda t: t.model.predict(x for x in t.x), TypeError, "predict", "generator", "len(x)"),
    Bad("predict: a set", lambda t: t.model.predict({1}), TypeError, "predict", "set", "x[a:b]"),
    Bad("predict: negative length", lambda t: t.model.predict(Wrong(-1, t.x)), TypeError, "predict", "Wrong", "len(x)"),
    Bad(
        "predict: length 0",
        lambda t: t.model.predict(Wrong(0, t.x[:0])),
        ValueError,
        "model takes",
        "(0, 6, 6, 1)",
        "N > 0",
    ),
    Bad("predict: slices too long", lambda t: t.model.predict(Wrong(3, t.x)), ValueError, "examples", "8", "not 3"),
    Bad(
        "predict: slices of None",
        lambda t: t.model.predict(Wrong(3, None)),
        TypeError,
        "model takes",
        "NoneType",
        "array of floats",
    ),
    Bad(
        "predict: slices of int",
        lambda t: t.model.predict(Wrong(1, np.ones((1, 6, 6, 1), int))),
        TypeError,
        "model takes",
        "int64",
        "astype",
    ),
    Bad(
        "predict: reading fails",
        lambda t: t.model.predict(Breaks(3, None)),
        TypeError,
        "predict",
        "the disk is gone",
        "x[a:b]",
    ),
    Bad("predict: empty", lambda t: t.model.predict(t.x[:0]), ValueError, "model takes", "(0, 6, 6, 1)", "N > 0"),
    Bad("predict: batch_size 0", lambda t: t.model.predict(t.x, batch_size=0), ValueError, "batch_size", "0", WHOLE),
    Bad(
        "predict: batch_size text",
        lambda t: t.model.predict(t.x, batch_size="8"),
        TypeError,
        "batch_size",
        "'8'",
        WHOLE,
    ),
    Bad("evaluate: None", lambda t: t.model.evaluate(None, t.loss), TypeError, "data", "None", "(examples, labels)"),
    Bad(
        "evaluate: images alone",
        lambda t: t.model.evaluate(t.x, t.loss),
        TypeError,
        "data",
        "array",
        "(examples, labels)",
    ),
    Bad(
        "evaluate: loss by name",
        lambda t: t.model.evaluate((t.x, t.labels), "mse"),
        TypeError,
        "loss",
        "'mse'",
        "SoftmaxCrossEntropy()",
    ),
    Bad(
        "evaluate: a loss class",
        lambda t: t.model.evaluate((t.x, t.labels), SoftmaxCrossEntropy),
        TypeError,
        "loss",
        "class",
        "SoftmaxCrossEntropy()",
    ),
    Bad(
        "evaluate: labels missing",
        lambda t: t.model.evaluate((t.x, t.labels[:3]), t.loss),
        ValueError,
        "abels",
        "(3,)",
        "(8, 3)",
    ),
    Bad(
        "evaluate: labels None",
        lambda t: t.model.evaluate((t.x, None), t.loss),
        TypeError,
        "labels",
        "None",
        "array or a list",
    ),
    Bad(
        "evaluate: labels a dict",
        lambda t: t.model.evaluate((t.x, {0: 1}), t.loss),
        TypeError,
        "labels",
        "{0: 1}",
        "array or a list",
    ),
    Bad(
        "evaluate: no length",
        lambda t: t.model.evaluate((Endless(), t.labels), t.loss),
        TypeError,
        "examples",
        "Endless",
        "len(x)",
    ),
    Bad(
        "evaluate: batch_size",
        lambda t: t.model.evaluate((t.x, t.labels), t.loss, -1),
        ValueError,
        "batch_size",
        "-1",
        WHOLE,
    ),
    Bad("set_state: None", lambda t: t.model.set_state(None), TypeError, "set_state", "None", "model.state"),
    Bad("set_state: empty", lambda t: t.model.set_state({}), ValueError, "set_state", "{}", "model.state"),
    Bad(
        "set_state: lists",
        lambda t: t.model.set_state({k: v.tolist() for k, v in t.model.state.items()}),
        TypeError,
        "set_state",
        "list",
        "arrays",
    ),
    Bad(
        "set_state: other shapes",
        lambda t: t.model.set_state({k: v[:1] for k, v in t.model.state.items()}),
        ValueError,
        "set_state",
        "(1,)",
        "shapes of model.state",
    ),
]


def second(*arguments, **numbers):
    return None


FIT = [
    Bad("fit: no model", lambda t: t.fit(model="net"), TypeError, "model", "'net'", "Sequential"),
    Bad("fit: a layer", lambda t: t.fit(model=t.model.layers[0]), TypeError, "model", "Conv2D", "Sequential"),
    Bad("fit: data None", lambda t: t.fit(data=None), TypeError, "data", "None", "(examples, labels)"),
    Bad("fit: data a Dataset", lambda t: t.fit(data=t.data), TypeError, "data", "Dataset", "dataset.train"),
    Bad("fit: no examples", lambda t: t.fit(data=(t.x[:0], [])), ValueError, "data", "0 and 0", "at least one"),
    Bad(
        "fit: labels missing",
        lambda t: t.fit(data=(t.x, t.labels[:4])),
        ValueError,
        "data",
        "8 and 4",
        "as many labels",
    ),
    Bad(
        "fit: labels None", lambda t: t.fit(data=(t.x, None)), TypeError, "data takes labels", "None", "array or a list"
    ),
    Bad(
        "fit: labels one-hot", lambda t: t.fit(data=(t.x, np.eye(3)[t.labels])), TypeError, "abels", "float64", "argmax"
    ),
    Bad("fit: labels from 1", lambda t: t.fit(data=(t.x, t.labels + 1)), ValueError, "abels", "1 to 3", "from 0 to 2"),
    Bad("fit: labels of text", lambda t: t.fit(data=(t.x, ["cat"] * 8)), TypeError, "abels", "<U3", "whole numbers"),
    Bad("fit: swapped", lambda t: t.fit(data=(t.labels, t.x)), TypeError, "abels", "float32", "whole numbers"),
    Bad(
        "fit: bytes",
        lambda t: t.fit(data=((t.x * 255).astype("u1"), t.labels)),
        TypeError,
        "model takes",
        "uint8",
        "divide",
    ),
    Bad(
        "fit: another shape",
        lambda t: t.fit(data=(t.x[:, :5], t.labels)),
        ValueError,
        "model takes",
        "(8, 5, 6, 1)",
        "Reshape",
    ),
    Bad("fit: without length", lambda t: t.fit(data=(Endless(), t.labels)), TypeError, "data", "Endless", "len(x)"),
    Bad(
        "fit: loss a class",
        lambda t: t.fit(loss=SoftmaxCrossEntropy),
        TypeError,
        "loss",
        "class",
        "SoftmaxCrossEntropy()",
    ),
    Bad("fit: loss by name", lambda t: t.fit(loss="mse"), TypeError, "loss", "'mse'", "SoftmaxCrossEntropy()"),
    Bad("fit: optimizer a class", lambda t: t.fit(optimizer=SGD), TypeError, "optimizer", "class", "SGD(0.01)"),
    Bad("fit: optimizer a number", lambda t: t.fit(optimizer=0.01), TypeError, "optimizer", "0.01", "SGD(0.01)"),
    Bad(
        "fit: another's optimizer",
        lambda t: t.fit(model=fresh(), data=(np.ones((4, 4), "f4"), [0] * 4)),
        ValueError,
        "dense_1.w",
        "velocity",
        "new SGD",
    ),
    Bad("fit: epochs 0", lambda t: t.fit(epochs=0), ValueError, "epochs", "0", WHOLE),
    Bad("fit: epochs half", lambda t: t.fit(epochs=1.5), TypeError, "epochs", "1.5", WHOLE),
    Bad("fit: epochs None", lambda t: t.fit(epochs=None), TypeError, "epochs", "None", WHOLE),
    Bad("fit: batch_size 0", lambda t: t.fit(batch_size=0), ValueError, "batch_size", "0", WHOLE),
    Bad("fit: batch_size text", lambda t: t.fit(batch_size="all"), TypeError, "batch_size", "'all'", WHOLE),
    Bad(
        "fit: validation an array",
        lambda t: t.fit(validation=t.x),
        TypeError,
        "validation",
        "array",
        "(examples, labels)",
    ),
    Bad(
        "fit: validation a share", lambda t: t.fit(validation=0.2), TypeError, "validation", "0.2", "(examples, labels)"
    ),
    Bad("fit: validation empty", lambda t: t.fit(validation=()), TypeError, "validation", "()", "(examples, labels)"),
    Bad(
        "fit: validation labels",
        lambda t: t.fit(validation=(t.x, t.labels[:1])),
        ValueError,
        "validation",
        "8 and 1",
        "as many",
    ),
    Bad(
        "fit: validation shape",
        lambda t: t.fit(validation=(t.x[:, 1:], t.labels)),
        ValueError,
        "model takes",
        "(8, 5, 6, 1)",
        "Reshape",
    ),
    Bad("fit: shuffle text", lambda t: t.fit(shuffle="no"), TypeError, "shuffle", "'no'", "True or False"),
    Bad(
        "fit: check_finite None", lambda t: t.fit(check_finite=None), TypeError, "check_finite", "None", "True or False"
    ),
    Bad("fit: warn text", lambda t: t.fit(warn="never"), TypeError, "warn", "'never'", "True or False"),
    Bad("fit: progress text", lambda t: t.fit(progress="bar"), TypeError, "progress", "'bar'", "True, False or None"),
    Bad("fit: threads 0", lambda t: t.fit(threads=0), ValueError, "threads", "0", "at least 1"),
    Bad("fit: threads text", lambda t: t.fit(threads="all"), ValueError, "threads", "'all'", WHOLE),
    Bad("fit: callbacks None", lambda t: t.fit(callbacks=None), TypeError, "callbacks", "None", "list"),
    Bad(
        "fit: callbacks alone",
        lambda t: t.fit(callbacks=callbacks.StopOnNaN()),
        TypeError,
        "callbacks",
        "StopOnNaN",
        "list",
    ),
    Bad(
        "fit: callbacks a class",
        lambda t: t.fit(callbacks=[EarlyStopping]),
        TypeError,
        "callbacks",
        "EarlyStopping",
        "[EarlyStopping()]",
    ),
    Bad("fit: callbacks of functions", lambda t: t.fit(callbacks=[print]), TypeError, "callbacks", "print", "list"),
    Bad(
        "fit: augment a step", lambda t: t.fit(augment=augment.Flip()), TypeError, "augment", "Flip", "augment.Pipeline"
    ),
    Bad("fit: augment text", lambda t: t.fit(augment="flip"), TypeError, "augment", "'flip'", "augment.Pipeline"),
    Bad("fit: augment to None", lambda t: t.fit(augment=second), TypeError, "augment", "NoneType", "array of floats"),
    Bad(
        "fit: augment crops",
        lambda t: t.fit(augment=augment.Pipeline([augment.Crop(4)])),
        ValueError,
        "augment",
        "(1, 4, 4, 1)",
        "batch of shape",
    ),
    Bad("fit: resume a number", lambda t: t.fit(resume=5), TypeError, "resume", "5", '"run.npz"'),
    Bad(
        "fit: resume a folder",
        lambda t: t.fit(resume=t.folder),
        IsADirectoryError,
        "resume",
        "folder",
        "name of a file",
    ),
    Bad(
        "fit: early stopping blind",
        lambda t: t.fit(callbacks=[EarlyStopping()]),
        ValueError,
        "val_loss",
        "EarlyStopping",
        "validation",
    ),
    Bad(
        "fit: checkpoint blind",
        lambda t: t.fit(callbacks=[Checkpoint("a.npz", "val_accuracy")]),
        ValueError,
        "val_accuracy",
        "Checkpoint",
        "validation",
    ),
    Bad(
        "fit: schedule to None",
        lambda t: t.fit(callbacks=[ScheduleLearningRate(second)]),
        TypeError,
        "learning_rate",
        "None",
        "finite number",
    ),
    Bad(
        "fit: schedule to NaN",
        lambda t: t.fit(callbacks=[ScheduleLearningRate(lambda e: NAN)]),
        ValueError,
        "learning_rate",
        "nan",
        "finite number",
    ),
    Bad(
        "fit: unknown argument",
        lambda t: fit(t.model, (t.x, t.labels), loss=t.loss, optimizer=t.optimizer, lr=1),
        TypeError,
        "lr",
        "unexpected",
        "fit()",
    ),
]

CALLBACKS = [
    Bad("EarlyStopping: monitor", lambda t: EarlyStopping("acc"), ValueError, "monitor", "'acc'", "val_loss"),
    Bad("EarlyStopping: patience 0", lambda t: EarlyStopping(patience=0), ValueError, "patience", "0", WHOLE),
    Bad(
        "EarlyStopping: min_delta",
        lambda t: EarlyStopping(min_delta=-1),
        ValueError,
        "min_delta",
        "-1",
        "0 <= min_delta",
    ),
    Bad(
        "EarlyStopping: restore",
        lambda t: EarlyStopping(restore_best="yes"),
        TypeError,
        "restore_best",
        "'yes'",
        "True or False",
    ),
    Bad("Checkpoint: path None", lambda t: Checkpoint(None), TypeError, "path", "None", "path of a file"),
    Bad("Checkpoint: path a number", lambda t: Checkpoint(5), TypeError, "path", "5", "path of a file"),
    Bad(
        "Checkpoint: unknown field", lambda t: Checkpoint("a{step}.npz"), ValueError, "path", "a{step}.npz", '"{epoch}"'
    ),
    Bad(
        "Checkpoint: monitor",
        lambda t: Checkpoint("a.npz", monitor="best"),
        ValueError,
        "monitor",
        "'best'",
        "val_loss",
    ),
    Bad(
        "Checkpoint: monitor list",
        lambda t: Checkpoint("a.npz", monitor=["loss"]),
        ValueError,
        "monitor",
        "['loss']",
        "val_loss",
    ),
    Bad("CSVLog: path None", lambda t: CSVLog(None), TypeError, "path", "None", "path of a file"),
    Bad("CSVLog: path empty", lambda t: CSVLog(""), ValueError, "path", "''", "name of a file"),
    Bad("RunFile: path a number", lambda t: RunFile(5), TypeError, "path", "5", "path of a file"),
    Bad(
        "RunFile: seconds",
        lambda t: RunFile("a.npz", every_seconds=-1),
        ValueError,
        "every_seconds",
        "-1",
        "0 <= every_seconds",
    ),
    Bad("RunFile: steps", lambda t: RunFile("a.npz", every_steps=0), ValueError, "every_steps", "0", WHOLE),
    Bad("LiveCurves: jpg", lambda t: LiveCurves("curves.jpg"), ValueError, "draws a file", "'curves.jpg'", ".png"),
    Bad("LiveCurves: a number", lambda t: LiveCurves(5), TypeError, "path", "5", "path of a file"),
    Bad("LiveCurves: every 0", lambda t: LiveCurves("a.png", every=0), ValueError, "every", "0", WHOLE),
    Bad(
        "LiveCurves: no notebook",
        lambda t: t.fit(callbacks=[LiveCurves()]),
        RuntimeError,
        "LiveCurves()",
        "runs in none",
        "Give it a file",
    ),
    Bad(
        "Schedule: a number", lambda t: ScheduleLearningRate(0.1), TypeError, "ScheduleLearningRate", "0.1", "function"
    ),
    Bad(
        "Schedule: a class",
        lambda t: ScheduleLearningRate(CosineDecay),
        TypeError,
        "ScheduleLearningRate",
        "CosineDecay",
        "function",
    ),
    Bad(
        "unknown callback",
        lambda t: callbacks.TensorBoard(),
        AttributeError,
        "TensorBoard",
        "callbacks",
        "no attribute",
    ),
]


def resume_a_model(t):
    save(fresh(), t.folder / "model.npz")
    try:
        t.fit(resume=t.folder / "model.npz")
    finally:
        (t.folder / "model.npz").unlink()


RESUME = [
    Bad("fit: resume a bare model", resume_a_model, ValueError, "resume", "model.npz", "minicnn.load"),
]

ROWS = [*MODEL, *FIT, *CALLBACKS, *RESUME]
