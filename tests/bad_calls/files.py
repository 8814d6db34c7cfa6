"""Checkpoints, results, experiments, the lesson and figures."""

import numpy as np

import minicnn
from minicnn import History, experiments, lesson, load, load_run, plots, results, save
from minicnn.layers import Layer

from .data import text_file
from .row import Bad


class Own(Layer):
    """A layer that `load` does not know."""

    def forward(self, x, training=False):
        return x


def own():
    return minicnn.Sequential([Own()], input_shape=(3,))


CHECKPOINTS = [
    Bad("save: no model", lambda t: save("net", t.folder / "a.npz"), TypeError, "model", "'net'", "save(model, path)"),
    Bad("save: swapped", lambda t: save(t.folder / "a.npz", t.model), TypeError, "model", "a.npz", "save(model, path)"),
    Bad("save: path None", lambda t: save(t.model, None), TypeError, "path", "None", "path of a file"),
    Bad("save: path a number", lambda t: save(t.model, 1), TypeError, "path", "1", "path of a file"),
    Bad("save: path empty", lambda t: save(t.model, ""), ValueError, "path", "''", "name of a file"),
    Bad(
        "save: path a folder", lambda t: save(t.model, t.folder), IsADirectoryError, "path", "folder", "name of a file"
    ),
    Bad(
        "save: optimizer class",
        lambda t: save(t.model, t.folder / "a", optimizer=minicnn.SGD),
        TypeError,
        "optimizer",
        "SGD",
        "trained",
    ),
    Bad(
        "save: history a dict",
        lambda t: save(t.model, t.folder / "a", history={}),
        TypeError,
        "history",
        "{}",
        "fit returned",
    ),
    Bad("save: a layer of one's own", lambda t: save(own(), t.folder / "a"), ValueError, "Own", "not among", "LAYERS"),
    *(
        row
        for read in (load, load_run)
        for row in (
            Bad(f"{read.__name__}: None", lambda t, r=read: r(None), TypeError, "path", "None", "path of a file"),
            Bad(f"{read.__name__}: a number", lambda t, r=read: r(0), TypeError, "path", "0", "path of a file"),
            Bad(
                f"{read.__name__}: missing",
                lambda t, r=read: r(t.folder / "no.npz"),
                FileNotFoundError,
                "no.npz",
                "There is no",
                "checkpoint",
            ),
            Bad(
                f"{read.__name__}: a folder",
                lambda t, r=read: r(t.folder),
                FileNotFoundError,
                "checkpoint",
                "There is no",
                "checkpoint",
            ),
            Bad(
                f"{read.__name__}: text",
                lambda t, r=read: text_file(t, r),
                ValueError,
                "notes.npz",
                "not a checkpoint",
                "damaged",
            ),
        )
    ),
]

GOOD = results.Results({}, results.Recipe(epochs=1), [0], 0.5, {"plain": {}})


def run(t, arms=None, **changed):
    arms = {"plain": lesson.network} if arms is None else arms
    usual = {"data": t.data, "seeds": [0], "recipe": results.Recipe(epochs=1)}
    given = usual | changed
    return experiments.run_experiment(arms, given.pop("data"), **given)


EXPERIMENTS = [
    Bad("run_experiment: arms a list", lambda t: run(t, [lesson.network]), TypeError, "arms", "[", "dict"),
    Bad("run_experiment: no arms", lambda t: run(t, {}), ValueError, "arms", "{}", "at least one"),
    Bad("run_experiment: an arm None", lambda t: run(t, {"a": None}), TypeError, "arms", "None", "function"),
    Bad(
        "run_experiment: arm gives None",
        lambda t: run(t, {"a": lambda *x: None}),
        TypeError,
        "model",
        "None",
        "Sequential",
    ),
    Bad("run_experiment: data None", lambda t: run(t, data=None), TypeError, "data", "None", "Dataset"),
    Bad("run_experiment: data a pair", lambda t: run(t, data=(t.x, t.labels)), TypeError, "data", "(array", "Dataset"),
    Bad("run_experiment: seeds a number", lambda t: run(t, seeds=3), TypeError, "seeds", "3", "list"),
    Bad("run_experiment: no seeds", lambda t: run(t, seeds=[]), ValueError, "seeds", "[]", "at least one"),
    Bad("run_experiment: seed text", lambda t: run(t, seeds=["a"]), TypeError, "seeds", "'a'", "whole number"),
    Bad("run_experiment: seed twice", lambda t: run(t, seeds=[1, 1]), ValueError, "seeds", "[1, 1]", "different"),
    Bad(
        "run_experiment: recipe",
        lambda t: run(t, recipe={"epochs": 1}),
        TypeError,
        "recipe",
        "{'epochs': 1}",
        "Recipe(",
    ),
    Bad("run_experiment: target 80", lambda t: run(t, target=80), ValueError, "target", "80", "target <= 1"),
    Bad("run_experiment: threads 0", lambda t: run(t, threads=0), ValueError, "threads", "0", "at least 1"),
    Bad("run_experiment: threads -1", lambda t: run(t, threads=-1), ValueError, "threads", "-1", "at least 1"),
    Bad(
        "train: no model",
        lambda t: experiments.train(None, t.data, results.Recipe()),
        TypeError,
        "model",
        "None",
        "Sequential",
    ),
    Bad("Recipe: epochs 0", lambda t: results.Recipe(epochs=0), ValueError, "epochs", "0", "whole number"),
    Bad(
        "Recipe: batch_size text",
        lambda t: results.Recipe(batch_size="64"),
        TypeError,
        "batch_size",
        "'64'",
        "whole number",
    ),
    Bad("Recipe: rate 0", lambda t: results.Recipe(learning_rate=0), ValueError, "learning_rate", "0", "finite number"),
    Bad("Recipe: momentum 1", lambda t: results.Recipe(momentum=1), ValueError, "momentum", "1", "momentum < 1"),
    Bad("results.array: arm", lambda t: GOOD.array("best", "gap"), ValueError, "arm", "'best'", "plain"),
    Bad("results.array: curve", lambda t: GOOD.array("plain", "loss"), ValueError, "curve", "'loss'", "train_loss"),
    Bad("results.compare: arm", lambda t: GOOD.compare("best", "plain", len), ValueError, "arm", "'best'", "plain"),
    Bad(
        "results.save: None",
        lambda t: results.save(None, t.folder / "a.json"),
        TypeError,
        "results",
        "None",
        "run_experiment",
    ),
    Bad("results.save: path", lambda t: results.save(GOOD, None), TypeError, "path", "None", "path of a file"),
    Bad("results.load: None", lambda t: results.load(None), TypeError, "path", "None", "path of a file"),
    Bad(
        "results.load: missing",
        lambda t: results.load(t.folder / "a.json"),
        FileNotFoundError,
        "a.json",
        "No such file",
        "a.json",
    ),
    Bad(
        "results.load: no JSON",
        lambda t: text_file(t, results.load),
        ValueError,
        "notes.npz",
        "JSONDecodeError",
        "does not hold the results",
    ),
    Bad("results.measures: target", lambda t: results.measures("80 %"), TypeError, "target", "'80 %'", "number"),
    Bad("lesson.network: tiny", lambda t: lesson.network((2, 2, 1), 3, 0), ValueError, "images", "1x1", "smaller"),
    Bad("lesson.network: vectors", lambda t: lesson.network((4,), 3, 0), ValueError, "inputs", "(4,)", "images"),
    Bad(
        "lesson.network: no class", lambda t: lesson.network((8, 8, 1), 0, 0), ValueError, "units", "0", "whole number"
    ),
    Bad("lesson.network: seed", lambda t: lesson.network((8, 8, 1), 3, "a"), TypeError, "seed", "'a'", "whole number"),
    Bad("lesson.Size: no seeds", lambda t: lesson.Size(10, 10, 0, 1), ValueError, "seeds", "0", "whole number"),
    Bad(
        "lesson.Size: images text",
        lambda t: lesson.Size("all", 10, 1, 1),
        TypeError,
        "train_images",
        "'all'",
        "whole number",
    ),
    Bad("History: unknown column", lambda t: History().append(f1=0.5), ValueError, "column", "f1", "val_loss"),
]

ONE = History(loss=[1.0], accuracy=[0.5], val_loss=[None], val_accuracy=[None], learning_rate=[0.1], seconds=[1.0])
PLOTS = [
    Bad("learning_curves: None", lambda t: plots.learning_curves(None), TypeError, "histories", "None", "fit returned"),
    Bad(
        "learning_curves: a list",
        lambda t: plots.learning_curves([ONE]),
        TypeError,
        "histories",
        "[History",
        "fit returned",
    ),
    Bad(
        "learning_curves: no epoch",
        lambda t: plots.learning_curves(History()),
        ValueError,
        "histories",
        "at least one epoch",
        "rain with fit",
    ),
    Bad(
        "learning_curves: nothing",
        lambda t: plots.learning_curves({}),
        ValueError,
        "histories",
        "got {}",
        "rain with fit",
    ),
    Bad(
        "learning_curves: of text",
        lambda t: plots.learning_curves({"a": "b"}),
        TypeError,
        "histories",
        "'b'",
        "fit returned",
    ),
    Bad("lesson_figure: None", lambda t: plots.lesson_figure(None), TypeError, "results", "None", "run_experiment"),
    Bad(
        "lesson_figure: nothing done",
        lambda t: plots.lesson_figure(GOOD),
        ValueError,
        "results",
        "none",
        "finished run",
    ),
    Bad(
        "own_lesson_figure: None",
        lambda t: plots.own_lesson_figure(None, GOOD),
        TypeError,
        "own",
        "None",
        "run_experiment",
    ),
    Bad(
        "confusion_matrix: lengths",
        lambda t: plots.confusion_matrix([0, 1], [0], "ab"),
        ValueError,
        "predicted class",
        "[1]",
        "whole numbers",
    ),
    Bad(
        "confusion_matrix: floats",
        lambda t: plots.confusion_matrix([0.0], [0.0], "ab"),
        ValueError,
        "label",
        "float64",
        "whole numbers",
    ),
    Bad(
        "confusion_matrix: empty",
        lambda t: plots.confusion_matrix([], [], "ab"),
        ValueError,
        "label",
        "[0]",
        "whole numbers",
    ),
    Bad(
        "confusion_matrix: class 2",
        lambda t: plots.confusion_matrix([2], [0], "ab"),
        ValueError,
        "classes",
        "2",
        "from 0 to 1",
    ),
    Bad("confusion_matrix: count", lambda t: plots.confusion_matrix([0], [0], 2), TypeError, "classes", "2", "names"),
    Bad("contact_sheet: None", lambda t: plots.contact_sheet(None), TypeError, "data", "None", "Dataset"),
    Bad(
        "contact_sheet: columns",
        lambda t: plots.contact_sheet(t.data, columns=0),
        ValueError,
        "columns",
        "0",
        "whole number",
    ),
    Bad(
        "contact_sheet: seed", lambda t: plots.contact_sheet(t.data, seed="a"), TypeError, "seed", "'a'", "whole number"
    ),
    Bad("batch: None", lambda t: plots.batch(None), ValueError, "images", "()", "(N, H, W, C)"),
    Bad("batch: empty", lambda t: plots.batch(t.x[:0]), ValueError, "images", "(0, 6, 6, 1)", "(N, H, W, C)"),
    Bad("batch: NaN", lambda t: plots.batch(t.x * np.nan), ValueError, "images", "nan", "finite"),
    Bad("batch: labels", lambda t: plots.batch(t.x, [0, 1]), ValueError, "labels", "(2,)", "8 whole numbers"),
    Bad("batch: names", lambda t: plots.batch(t.x, t.labels, ["a"]), ValueError, "labels", "0 to 2", "1 classes"),
    Bad("batch: most", lambda t: plots.batch(t.x, most=0), ValueError, "most", "0", "whole number"),
    Bad("augmented: None", lambda t: plots.augmented(None, t.x), TypeError, "pipeline", "None", "augment.Pipeline"),
    Bad(
        "augmented: no images",
        lambda t: plots.augmented(minicnn.augment.Pipeline([]), 3),
        ValueError,
        "images",
        "()",
        "(N, H, W, C)",
    ),
    Bad(
        "augmented: versions",
        lambda t: plots.augmented(minicnn.augment.Pipeline([]), t.x, versions=0),
        ValueError,
        "versions",
        "0",
        "whole number",
    ),
    Bad(
        "first_layer_filters: None", lambda t: plots.first_layer_filters(None), TypeError, "model", "None", "Sequential"
    ),
    Bad(
        "first_layer_filters: none", lambda t: plots.first_layer_filters(own()), ValueError, "model", "Own()", "Conv2D"
    ),
    Bad(
        "activations: layer",
        lambda t: plots.activations(t.model, t.x[0], "conv2d_9"),
        ValueError,
        "layer",
        "'conv2d_9'",
        "conv2d_1",
    ),
    Bad(
        "activations: image",
        lambda t: plots.activations(t.model, t.x[0, :5], "conv2d_1"),
        ValueError,
        "model takes",
        "(1, 5, 6, 1)",
        "Reshape",
    ),
    Bad(
        "activations: text",
        lambda t: plots.activations(t.model, "cat", "conv2d_1"),
        TypeError,
        "model takes",
        "<U3",
        "floats",
    ),
    Bad(
        "activations: no model",
        lambda t: plots.activations(None, t.x[0], "conv2d_1"),
        TypeError,
        "model",
        "None",
        "Sequential",
    ),
]

NAMES = [
    Bad("minicnn: unknown name", lambda t: minicnn.LSTM, AttributeError, "LSTM", "no 'LSTM'", "Conv2D"),
]

ROWS = [*CHECKPOINTS, *EXPERIMENTS, *PLOTS, *NAMES]
