"""The benchmark: what it times is right, its arithmetic, its tables, files and figure. No time is judged."""

import json
import sys

import numpy as np
import pytest

import minicnn
from minicnn import augment, bench, cli
from minicnn.bench import (
    HOME,
    clock,
    figure,
    goals,
    growth,
    layers,
    machine,
    numpy_kernels,
    options,
    start,
    summary,
    tables,
    techniques,
)
from minicnn.bench.clock import Effort, Spread, interleaved, ratio
from minicnn.bench.networks import NETWORKS, digit, lesson
from minicnn.bench.peers import PEERS
from minicnn.bench.peers.minicnn import MiniCNN
from minicnn.bench.peers.vectorized import Vectorized
from minicnn.bench.race import race
from minicnn.bench.settings import Settings, counts, settings
from minicnn.bench.worker import Worker, WorkerError
from minicnn.kernels import activations, batchnorm, optimizers, pooling

TINY = Effort(rounds=1, turn=0, most=1)
GROWTH = {"batch": (1, 2), "side": (8, 16), "threads": (1, 2)}


# The networks


def test_the_networks_are_the_ones_promised():
    assert MiniCNN().prepare(lesson(), 2, 1) == 897_665 - 2 * (64 + 128 + 256 + 128)  # less the running statistics
    assert digit().input_shape == (28, 28, 1) and digit().outputs == 10
    kinds = [part.kind for part in digit().parts]
    block = ["Conv2D", "BatchNorm", "ReLU", "MaxPool2D", "Dropout"]
    assert kinds == [*block, *block, "Flatten", "Dense", "ReLU", "Dropout", "Dense"]


def test_the_lesson_is_the_example(monkeypatch):
    monkeypatch.syspath_prepend("examples")
    import lesson_network

    peer = MiniCNN()
    peer.prepare(lesson(), 2, 1)
    assert peer.model.parameter_count == 897_665
    assert repr(peer.model) == repr(lesson_network.lesson_network())


@pytest.mark.parametrize("name", NETWORKS)
def test_every_contestant_here_trains_the_same_network(name):
    network = NETWORKS[name]()
    wanted = MiniCNN().prepare(network, 2, 1)
    for peer in PEERS.values():
        if peer.available():
            contestant = peer()
            assert contestant.prepare(network, 2, 1) == wanted, peer.name
            assert len(contestant.steps(2)) == 2 and len(contestant.predictions(3)) == 3
            assert all(seconds > 0 for seconds in contestant.steps(1) + contestant.predictions(1))


def test_plain_numpy_computes_what_minicnn_computes():
    network = digit(side=8)
    ours, theirs = MiniCNN(), Vectorized()
    ours.prepare(network, 3, 1), theirs.prepare(network, 3, 1)
    arrays = [array for group in theirs.params for array in group]
    for mine, array in zip(ours.model.params.values(), arrays, strict=True):
        array[...] = mine
    x = ours.data[0][:3]
    np.testing.assert_allclose(
        theirs._forward(x, training=False)[0], ours.model.predict(x), rtol=1e-4, atol=1e-5
    )  # both with mean 0 and variance 1 in batch norm, as at the beginning


def test_minicnn_is_timed_where_it_trains():
    peer = MiniCNN()
    peer.prepare(digit(side=8), 2, 1)
    before = {name: array.copy() for name, array in peer.model.params.items()}
    assert len(peer.steps(3)) == 3 and peer.optimizer.iterations == 3
    assert all((before[name] != array).any() for name, array in peer.model.params.items())
    state = {name: array.copy() for name, array in peer.model.state.items()}
    peer.predictions(2)
    assert all((state[name] == array).all() for name, array in peer.model.state.items())


# The clock


class Fake:
    """A contestant whose steps take as long as it says; the first of a turn takes longer."""

    def __init__(self, log, name, seconds):
        self.log, self.name, self.seconds = log, name, iter(seconds)

    def __call__(self, count):
        self.log.append((self.name, count))
        second = next(self.seconds)
        return [10 * second] + [second] * (count - 1)


def test_contestants_take_turns_and_their_first_step_does_not_count(monkeypatch):
    monkeypatch.setattr(clock, "PAUSE", 0)
    log = []
    a, b = Fake(log, "a", [1, 1, 2, 3]), Fake(log, "b", [1, 2, 8, 3])
    turns = interleaved({"a": a, "b": b}, Effort(rounds=3, turn=4, most=9))
    assert turns == {"a": [1, 2, 3], "b": [2, 8, 3]}
    assert [name for name, _ in log] == ["a", "b"] + ["a", "b"] + ["b", "a"] + ["a", "b"]
    assert {count for _, count in log[2:]} == {clock.WARM_UP + 4}


def test_median_quartiles_and_ratio():
    assert Spread.of([5, 1, 2, 4, 3]) == Spread(3, 2, 4)
    slow_phase = ratio([2, 4, 20], [1, 2, 10])  # the third round was slow for both
    assert slow_phase == Spread(2, 2, 2)


@pytest.mark.parametrize(("seconds", "steps"), [(0.001, 30), (0.1, 3), (5, 1)])
def test_a_turn_has_as_many_steps_as_fit(seconds, steps):
    assert Effort(turn=0.35, most=30).steps(seconds) == steps


# Workers


def test_a_worker_trains_predicts_and_tells_its_memory():
    with Worker("minicnn", 1) as worker:
        assert worker.prepare("digit", 2, 8) == MiniCNN().prepare(digit(8), 2, 1)
        assert len(worker.steps(2)) == 2 and len(worker.predictions(2)) == 2
        assert worker.peak_memory() > 10e6
        with pytest.raises(WorkerError, match="minicnn: KeyError"):
            worker.prepare("no such network", 2)
        assert len(worker.steps(1)) == 1  # it goes on
    assert worker.process.returncode == 0


def test_a_worker_that_dies_says_so():
    with Worker("minicnn", 1) as worker:
        worker.process.kill()
        with pytest.raises(WorkerError, match="its process ended"):
            worker.steps(1)


def test_who_cannot_take_part_is_left_out(monkeypatch):
    monkeypatch.setattr(Worker, "predictions", fails := lambda self, count: self._ask("nothing"))
    messages = []
    assert not list(race(["minicnn"], ["digit"], [2], [1], TINY, sides=[8], say=messages.append)) and fails
    assert len(messages) == 1 and messages[0].startswith("left out: minicnn: AttributeError")


def test_a_race_has_a_row_for_everyone():
    rows = list(race(["minicnn", "vectorized"], ["digit"], [2, 3], [1], TINY, sides=[8]))
    places = [(row["batch"], row["task"], row["peer"]) for row in rows]
    tasks, peers = ("step", "prediction"), ("minicnn", "vectorized")
    assert places == [(batch, task, peer) for batch in (2, 3) for task in tasks for peer in peers]
    assert all(row["ratio"]["median"] == 1 for row in rows if row["peer"] == "minicnn")
    for row, base in zip(rows[1::2], rows[::2], strict=True):  # with one round the ratio is that of the medians
        quotient = row["seconds"]["median"] / base["seconds"]["median"]
        assert row["ratio"]["median"] == pytest.approx(quotient)


# Layers


def test_operations_by_hand():
    # 2 images of 4x4 pixels, 3 channels, kernel 3x3, 5 filters: 32 positions, 27 numbers in a patch
    assert layers.operations(32, 27, 5) == 2 * 32 * 27 * 5
    assert dict(layers.convolutions(digit(), 20)) == {0: (20 * 28 * 28, 9, 16), 5: (20 * 14 * 14, 144, 32)}
    first, second = layers.Products(4, 3, 2, first=True), layers.Products(4, 3, 2, first=False)
    assert (first.operations["forward"], first.operations["backward"]) == (48, 48)  # no dx for the data
    assert (second.operations["forward"], second.operations["backward"]) == (48, 96)


def test_every_layer_has_its_row_and_the_shares_make_a_whole():
    rows = list(layers.measure(made(networks=["digit"]), print))
    names = [row["layer"] for row in rows]
    assert names[0] == "conv2d_1" and names[-4:] == ["loss", "optimizer", "rest", "step"] and len(rows) == 15 + 4
    assert sum(row["share"] for row in rows[:-1]) == pytest.approx(1)
    assert [row["layer"] for row in rows if "gflops" in row] == ["conv2d_1", "conv2d_2"]


def test_growth_has_three_axes():
    small = made(sides=[8, 16], growing_batches=[1, 2], threads=[1, 2])
    rows = list(growth.measure(small, print))
    found = [(row["axis"], row[row["axis"]]) for row in rows]
    assert found == [(axis, value) for axis, values in GROWTH.items() for value in values]
    assert all(row["per_image"] == row["seconds"]["median"] / row["batch"] for row in rows)


# Techniques


def test_each_technique_can_be_switched_off_without_changing_the_result():
    def trained():
        peer = MiniCNN()
        peer.prepare(digit(side=12), 4, 2)
        peer.steps(3)
        return peer.model.predict(peer.data[0][:8])

    wanted = trained()
    for name, technique in techniques.TECHNIQUES.items():
        switches = [techniques.switched_off(place, instead) for place, instead in technique.instead.items()]
        for switch in switches:
            switch.start()
        try:
            np.testing.assert_allclose(trained(), wanted, rtol=1e-2, atol=1e-3, err_msg=name)
        finally:
            for switch in switches:
                switch.stop()


def test_numpy_in_place_of_a_kernel_computes_the_same():
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(size=(2, 6, 6, 3)).astype(np.float32) for _ in range(2))
    rows, drows = x.reshape(-1, 3), dy.reshape(-1, 3)
    mean, scale, slope = rng.normal(size=(3, 3))
    pooled = np.full((2, 3, 3, 3), -np.inf, np.float32), np.zeros((2, 3, 3, 3), np.int32)
    winners = rng.integers(4, size=pooled[1].shape, dtype=np.int32)
    calls = {
        (activations, "relu"): (x.ravel(), np.empty(x.size, np.float32)),
        (activations, "relu_backward"): (dy.ravel(), x.ravel(), np.empty(x.size, np.float32)),
        (pooling, "max_pool"): (x, *pooled, ((0, 0), (0, 1), (1, 0)), 0, 2, 2),
        (pooling, "max_pool_backward"): (dy[:, :3, :3].copy(), winners, np.ones_like(x), 2, 2, 2, 2),
        (batchnorm, "channel_sums"): (rows,),
        (batchnorm, "channel_moments"): (rows, mean),
        (batchnorm, "normalize"): (rows, np.empty_like(rows), mean, scale, slope),
        (batchnorm, "gradient_sums"): (drows, rows, mean, scale),
        (batchnorm, "normalize_backward"): (drows, rows, np.empty_like(rows), mean, scale, mean, slope),
        (optimizers, "sgd"): (*np.float32(rng.normal(size=(3, 20))), np.float32(0.1), np.float32(0.9), True),
    }
    for (module, name), arguments in calls.items():
        mine, theirs = ([np.copy(a) if isinstance(a, np.ndarray) else a for a in arguments] for _ in range(2))
        results = getattr(module, name)(*mine), getattr(numpy_kernels, name)(*theirs)
        for a, b in zip([*mine, results[0]], [*theirs, results[1]], strict=True):
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4, err_msg=name)
    replaced = {name for t in techniques.TECHNIQUES.values() for name in t.instead if name.startswith("kernels.")}
    tested = {f"kernels.{module.__name__.split('.')[-1]}.{name}" for module, name in calls}
    assert {name for name in replaced if not name.startswith(("kernels.parallel", "kernels.memory"))} <= tested


# Options


def test_options_are_timed_from_batch_to_batch():
    found = list(options.measure(made(networks=["digit"], batches=[2, 3]), print))
    assert [row["option"] for row in found] == [options.PLAIN, options.AUGMENT, "check_finite"]
    assert all((row["batch"], row["threads"], row["network"]) == (2, 1, "digit") for row in found)
    assert all(row["seconds"]["median"] > 0 for row in found)
    assert found[0]["ratio"] == {"median": 1, "lower": 1, "upper": 1}


def test_as_many_steps_as_asked_for_are_timed(monkeypatch):
    """Also beyond an epoch's end; and the option reaches `fit`."""
    seen = []
    monkeypatch.setattr(augment.Pipeline, "__call__", lambda self, images, **place: seen.append(len(images)) or images)
    steps = options._steps(digit(side=12), 512, 1, options.every_option()[options.AUGMENT][1])
    assert len(steps(5)) == 5
    assert seen.count(512) >= 6


# What the rows say together


def made(**options):
    """Settings for a moment's work."""
    defaults = {"parts": ["networks"], "peers": ["minicnn"], "networks": ["digit"], "batches": [2], "threads": [1]}
    return Settings(**(defaults | {"effort": TINY} | options))


def row(peer, median, ratio, task="step", network="lesson", batch=64, threads=2):
    """A row of the networks part, without spread."""
    same = {"lower": median, "upper": median, "median": median}
    return {
        **{"network": network, "side": None, "batch": batch, "threads": threads, "task": task, "peer": peer},
        **{"seconds": same, "ratio": {"median": ratio, "lower": ratio * 0.9, "upper": ratio * 1.1}},
    }


@pytest.fixture
def results():
    """Made up: minicnn is 1.6 and 1.2 times as fast as PyTorch's better format, which differs."""
    rows = [row("minicnn", 0.1, 1.0), row("pytorch", 0.2, 2.0), row("pytorch-channels-last", 0.16, 1.6)]
    rows += [row("minicnn", 0.1, 1.0, batch=20), row("pytorch", 0.12, 1.2, batch=20)]
    rows += [row("pytorch-channels-last", 0.3, 3.0, batch=20), row("pytorch-tuned", 0.09, 0.9, batch=20)]
    rows += [row("minicnn", 0.18, 1.0, threads=1), row("minicnn", 0.1, 1.0, "prediction")]
    rows += [row("pytorch", 0.05, 0.5, "prediction")]
    place = {"network": "lesson", "batch": 64, "threads": 2}
    spread = {"median": 0.01, "lower": 0.009, "upper": 0.012}
    return {
        "machine": machine.about() | {"busy": 1.5},
        "peers": machine.peers(),
        "networks": rows,
        "layers": [
            place
            | {"layer": "conv2d_1", "what": "Conv2D(64, 3)", "share": 0.5, "forward": spread, "backward": spread}
            | {"filters": 64, "gflops": {"forward": 80.0, "backward": 60.0}}
            | {"limit": {"forward": 100.0, "backward": 100.0}},
            place | {"layer": "relu_1", "what": "ReLU()", "share": 0.1, "forward": spread, "backward": None},
        ],
        "start": [
            {"what": what, "peer": "minicnn", "threads": 2, "seconds": {"median": seconds, "lower": 0, "upper": 9}}
            for what, seconds in ((start.IMPORT, 0.1), (start.WARM, 1.5), (start.EMPTY, 9.0))
        ],
        "memory": [
            {"network": "lesson", "batch": batch, "threads": 2, "peer": peer, "bytes": size * 1e6, "before": 1}
            for peer, batch, size in (
                *(("minicnn", 64, 200), ("minicnn", 128, 264)),
                *(("pytorch", 128, 500), ("pytorch-channels-last", 128, 400)),
            )
        ],
        "growth": [
            row("minicnn", 0.1 * batch, 1.0, batch=batch) | {"axis": "batch", "per_image": 0.1} for batch in (1, 2, 4)
        ],
        "techniques": [
            place
            | {
                "technique": name,
                "instead": instead,
                "seconds": spread,
                "ratio": {"median": times, "lower": times, "upper": times},
            }
            for name, instead, times in ((techniques.EVERYTHING, "", 1.0), ("tiles", "one matrix", 1.25))
        ],
        "options": [
            place
            | {
                "option": name,
                "what": what,
                "seconds": spread,
                "ratio": {"median": times, "lower": times - 0.01, "upper": times + 0.01},
            }
            for name, what, times in ((options.PLAIN, "", 1.0), (options.AUGMENT, "flip", 1.07))
        ],
    }


def test_the_better_format_is_chosen_row_by_row(results):
    better = [r for r in summary.with_better_format(results["networks"]) if r["peer"] == summary.BETTER]
    assert [(r["batch"], r["task"], r["ratio"]["median"]) for r in better] == [
        (64, "step", 1.6),
        (20, "step", 1.2),
        (64, "prediction", 0.5),
    ]
    mean = next(m for m in summary.means(results["networks"]) if (m["task"], m["peer"]) == ("step", summary.BETTER))
    assert mean["mean"] == pytest.approx((1.6 * 1.2) ** 0.5) and mean["least"] == 1.2 and mean["rows"] == 2


def test_goals_are_held_against_what_was_measured(results):
    rows = goals.compare(results)
    found = [(round(r["value"], 2), r["met"]) for r in rows]
    assert found == [
        (1.39, False),  # the mean against the better format
        (1.55, False),  # against the default: (2.0 * 1.2) ** 0.5
        (1.2, True),
        (0.9, False),  # PyTorch tuned was faster
        (0.5, False),
        (60, False),  # of the limit
        (1.8, True),
        (0.66, True),
        (7.0, True),
        (0.1, True),
        (1.5, False),
        (9, True),
    ]
    assert rows[3]["measured"] == "0.90 x (lesson, batch 20, 2 threads)"
    assert goals.compare({"networks": []}) == []  # what was not measured is left out


def test_tables_show_the_rows(results):
    text = tables.networks(results["networks"])
    assert "200.00 ±0.00  2.00x" in text and text.count("Training step: ") == text.count("Prediction") == 1
    text = tables.layers(results["layers"])
    assert "Layers of lesson, batch 64, 2 threads" in text and "80 %" in text and "60 %" in text
    assert "1.00" in tables.memory(results["memory"]).splitlines()[3]  # (264 - 200) / (128 - 64)
    assert "+25 %" in tables.techniques(results["techniques"])
    text = tables.options(results["options"])
    assert "+7.0 %  +6.0 to +8.0" in text and "+0.0" not in text
    assert "100.000" in tables.growth(results["growth"]) and "9.00 s" in tables.start(results["start"])
    text = tables.machine(results)
    assert "minicnn 0.1.0" in text and "numpy" in text and "WARNING: other work keeps 1.5 of" in text


def test_on_a_busy_machine_no_verdict_goes_without_a_warning(results):
    results["goals"] = goals.compare(results)
    assert "NO\n" in tables.goals(results) and "no number counts" in tables.goals(results)
    quiet = results | {"machine": results["machine"] | {"busy": 0.1, "busy_afterwards": None}}
    assert "NO" in tables.goals(quiet) and "WARNING" not in tables.goals(quiet) + tables.machine(quiet)
    assert "WARNING" in tables.goals(quiet | {"machine": quiet["machine"] | {"busy_afterwards": 0.5}})
    assert tables.goals(quiet | {"goals": []}) == ""


def test_the_figure_has_a_panel_for_each_part(results, tmp_path):
    picture = figure.figure(results)
    labels = {text.get_text() for text in picture.legends[0].get_texts()}
    assert labels == {"minicnn", "pytorch", "pytorch-channels-last", "pytorch-tuned"}
    titles = [ax.get_title(loc="left") for ax in picture.axes]
    assert titles == [
        "training step, 2 threads",
        "prediction, 2 threads",
        "lesson, batch 64, 2 threads: forward, then backward",
        "lesson, batch 64, 2 threads: a step without",
        "peak memory of training lesson",
        "from nothing, in a fresh process",
        "training step of lesson",
        "",  # nothing stands here
    ]
    figure.draw(results, tmp_path / "new" / "bench.svg")
    assert b"<svg" in (tmp_path / "new" / "bench.svg").read_bytes()
    with pytest.raises(ValueError, match="at least one part"):
        figure.figure({"machine": results["machine"]})


# Peers that are not there, options, the command


def test_absent_peers_are_reported_as_absent(monkeypatch):
    for peer in PEERS.values():
        monkeypatch.setattr(peer, "available", classmethod(lambda cls: cls.name == "minicnn"))
    found = machine.peers()
    assert found.pop("minicnn") == f"minicnn {minicnn.__version__}"
    assert len(found) == 5 and set(found.values()) == {"not installed"}
    assert settings(peers="pytorch,minicnn").peers == ["minicnn"]


def test_options_are_read():
    assert counts("--threads", "1, all,2", all=2) == [1, 2]
    quick = settings(quick=True)
    assert quick.parts == ["networks"] and quick.networks == ["digit"] and quick.effort.rounds == 3
    whole = settings()
    assert whole.parts == list(HOME) and whole.batches == [20, 64, 128] and whole.middle_batch == 64


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--parts", "networks,speed"], "--parts takes some of networks, layers"),
        (["--network", ","], "--network takes some of digit, lesson"),
        (["--peers", "caffe"], "--peers takes some of minicnn, pytorch"),
        (["--batches", "0"], "--batches takes whole numbers of at least 1, separated"),
        (["--threads", "many"], "--threads takes whole numbers of at least 1 or all, separated"),
    ],
)
def test_wrong_options_are_explained(capsys, option, message):
    assert cli.main(["bench", *option]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_from_end_to_end(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "BATCH", 2)
    monkeypatch.setattr(figure, "DPI", 20)
    small = ["--network", "digit", "--batches", "2", "--threads", "1", "--peers", "minicnn", "--rounds", "1"]
    files = ["--json", str(tmp_path / "bench.json"), "--plot", str(tmp_path / "bench.png")]
    parts = ["--parts", "networks,layers,start,memory"]
    assert cli.main(["bench", *parts, *small, *files]) == 0
    out = capsys.readouterr().out
    for words in (
        "Training step: ms",
        "Layers of digit",
        "From nothing",
        "Peak memory",
        "goal",
        f"Python {sys.version[:4]}",
    ):
        assert words in out
    results = json.loads((tmp_path / "bench.json").read_text())
    assert results["format"] == 1 and results["settings"]["batches"] == [2] and results["machine"]["cores"] >= 1
    assert {"networks", "layers", "start", "memory", "goals"} <= set(results) and "growth" not in results
    assert all(r["seconds"]["median"] > 0 for r in results["networks"])
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")

    assert cli.main(["bench", "--from", str(tmp_path / "bench.json")]) == 0
    again = capsys.readouterr().out
    for line in out.split("Took")[0].splitlines():
        assert line in again or line.startswith("WARNING")  # other work may have come and gone meanwhile


def test_earlier_results_are_kept_but_for_what_is_measured_anew(results):
    anew = bench.run(made(), lambda text: None, results)
    assert anew["networks"] != results["networks"] and anew["layers"] == results["layers"]
    assert [goal["goal"] for goal in anew["goals"]][-1] == "first step, empty kernel cache"


def test_a_file_of_something_else_is_refused(capsys, tmp_path):
    (tmp_path / "a.json").write_text("[1]")
    assert cli.main(["bench", "--from", str(tmp_path / "a.json")]) == 2
    assert "does not hold results of minicnn bench" in capsys.readouterr().err
