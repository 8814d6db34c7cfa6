"""A model comes back as it was; a file that is none, or is damaged, gets an error that says so."""

import json
import os
import tracemalloc

import numpy as np
import pytest

import minicnn
from minicnn import initializers, layers, optimizers
from minicnn.atomic_write import atomic_write
from minicnn.checkpoint import FORMAT, load, load_run, save
from minicnn.checkpoint.rng import rng_array
from minicnn.checkpoint.writer import checksum

# The network has every kind of layer, Softmax before the loss among them, and is not there to learn.
pytestmark = pytest.mark.filterwarnings("ignore::minicnn.TrainingWarning")

SHAPE = (8, 8, 2)


def every_layer():
    return [
        layers.Conv2D(4, (3, 1), stride=(1, 2), padding=((1, 1), (0, 0)), groups=2, use_bias=False),
        layers.BatchNorm(momentum=0.8),
        layers.LeakyReLU(0.2),
        layers.MaxPool2D(2, stride=1),
        layers.AvgPool2D(2, padding=(1, 0)),
        layers.SpatialDropout2D(0.1),
        layers.Conv2D(6, 2, padding="same", initializer="glorot_normal"),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(5, initializer=initializers.constant(0.1)),
        layers.Tanh(),
        layers.Dropout(0.3),
        layers.Dense(4, initializer=initializers.he_normal),
        layers.Sigmoid(),
        layers.Dense(3),
        layers.Softmax(),
    ]


def trained_model(dtype="float32", seed=3):
    model = minicnn.Sequential(every_layer(), input_shape=SHAPE, seed=seed, dtype=dtype)
    model.forward(batch(dtype), training=True)  # so that the running statistics are no longer the initial ones
    for param in model.params.values():
        param += 0.01
    return model


def batch(dtype="float32"):
    return np.random.default_rng(0).standard_normal((6, *SHAPE)).astype(dtype)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.npz"
    save(trained_model(), path)
    return path


def rewrite(path, save=np.savez, **changes):
    """Save the archive again with some arrays changed, and checksums to match; None leaves one out."""
    with np.load(path) as archive:
        arrays = dict(archive)
    del arrays["checksums"]
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    checksums = {name: checksum(array) for name, array in arrays.items() if array.dtype != object}
    save(path, **{"checksums": np.array(json.dumps(checksums))} | arrays)


def rewrite_architecture(path, change):
    with np.load(path) as archive:
        architecture = json.loads(str(archive["architecture"]))
    change(architecture)
    rewrite(path, architecture=np.array(json.dumps(architecture)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_model_comes_back_as_it_was(tmp_path, dtype):
    model = trained_model(dtype)
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    assert again.dtype == dtype and again.seed == 3 and again.input_shape == SHAPE
    assert again.layer_names == model.layer_names
    for mine, its in ((model.params, again.params), (model.state, again.state)):
        assert list(mine) == list(its)
        for name in mine:
            assert mine[name].dtype == its[name].dtype
            np.testing.assert_array_equal(mine[name], its[name])
    np.testing.assert_array_equal(model.predict(batch(dtype)), again.predict(batch(dtype)))


def test_layers_come_back_with_their_arguments(saved):
    for mine, its in zip(every_layer(), load(saved).layers, strict=True):
        given = {name: getattr(value, "__name__", value) for name, value in mine.config.items()}
        assert type(mine) is type(its) and given == its.config


def test_a_loaded_model_trains_on(saved):
    again = load(saved)
    labels = np.arange(6) % 3
    history = minicnn.fit(
        again,
        (batch(), labels),
        loss=minicnn.SoftmaxCrossEntropy(),
        optimizer=minicnn.SGD(0.01, momentum=0.9),
        batch_size=3,
        progress=False,
    )
    assert np.isfinite(history.loss[0])


# --- optimizer, history, random generator ---


def train(model, optimizer, epochs=1):
    """A few steps, with dropout and shuffling."""
    data = batch(), np.arange(6) % 3
    return minicnn.fit(
        model, data, loss=minicnn.SoftmaxCrossEntropy(), optimizer=optimizer, epochs=epochs, batch_size=3
    )


OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(0.01),
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "RMSProp": optimizers.RMSProp,
    "Adam": optimizers.Adam,
    "AdamW": optimizers.AdamW,
}


def test_every_optimizer_is_tested():
    assert {type(make()) for make in OPTIMIZERS.values()} == set(optimizers.OPTIMIZERS.values())


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_training_goes_on_where_the_file_stands(tmp_path, make):
    """Two epochs in one go, and two with a file between them: the same bits."""
    whole, optimizer = trained_model(), make()
    train(whole, optimizer)
    minicnn.save(whole, tmp_path / "half.npz", optimizer=optimizer)
    history = train(whole, optimizer)

    again, again_optimizer, nothing = load_run(tmp_path / "half.npz")
    assert nothing is None and repr(again_optimizer) == repr(make())
    assert train(again, again_optimizer).loss == history.loss
    assert_same_model(again, whole)
    assert again_optimizer.iterations == optimizer.iterations == 4
    for name, slots in optimizer.state.items():
        for slot, array in slots.items():
            np.testing.assert_array_equal(again_optimizer.state[name][slot], array)


def assert_same_model(a, b):
    for mine, its in ((a.params, b.params), (a.state, b.state)):
        assert list(mine) == list(its)
        for name in mine:
            np.testing.assert_array_equal(mine[name], its[name])
    np.testing.assert_array_equal(rng_array(a.rng.bit_generator.state), rng_array(b.rng.bit_generator.state))


def test_a_learning_rate_that_has_come_down_to_zero(tmp_path):
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = 0
    save(trained_model(), tmp_path / "model.npz", optimizer=optimizer)
    assert load_run(tmp_path / "model.npz").optimizer.learning_rate == 0


def test_a_history_comes_back(tmp_path):
    history = minicnn.History([1.5, float("nan")], [0.25, 1 / 3], [None] * 2, [None] * 2, [0.1] * 2, [3e-5] * 2, "why")
    save(trained_model(), tmp_path / "model.npz", history=history)
    run = load_run(tmp_path / "model.npz")
    assert run.optimizer is None and str(run.history) == str(history)


def test_half_a_number_left_over_in_the_generator_is_kept(tmp_path):
    """Numbers of 32 bits come two from one of 64: the second must not be lost."""
    model = trained_model()
    model.rng.random(3, dtype=np.float32)
    save(model, tmp_path / "model.npz")
    again = load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.rng.random(5, dtype="f4"), model.rng.random(5, dtype="f4"))


def test_another_generator_cannot_be_kept(tmp_path):
    model = trained_model()
    model.rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="only for the SFC64 generator that Sequential made, got PCG64"):
        save(model, tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("model.npz", None), "takes a model first"),
        ((None, "model.npz"), "takes a model first"),
        ({"optimizer": "sgd"}, "takes as optimizer"),
        ({"history": {"loss": [1.0]}}, "takes as history"),
    ],
)
def test_save_says_what_it_takes(tmp_path, arguments, message):
    options = arguments if isinstance(arguments, dict) else {}
    given = (trained_model(), tmp_path / "model.npz") if options else arguments
    with pytest.raises(TypeError, match=message):
        save(*given, **options)
    assert list(tmp_path.iterdir()) == []


def test_own_optimizers_need_to_be_registered(tmp_path, monkeypatch):
    class Own(optimizers.SGD):
        pass

    save(trained_model(), tmp_path / "model.npz", optimizer=Own(0.5))
    with pytest.raises(ValueError, match=r"optimizer 'Own' in .* cannot be built: add your own to .*OPTIMIZERS"):
        load_run(tmp_path / "model.npz")
    monkeypatch.setitem(optimizers.OPTIMIZERS, "Own", Own)
    assert type(load_run(tmp_path / "model.npz").optimizer) is Own


def test_a_file_of_format_1(tmp_path):
    """As minicnn 0.1.0 wrote it."""
    model = trained_model()
    save(model, tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as archive:
        arrays = {name: a for name, a in archive.items() if name.startswith(("params/", "state/"))}
        architecture = json.loads(str(archive["architecture"])) | {"format": 1}
    np.savez(tmp_path / "old.npz", architecture=np.array(json.dumps(architecture)), **arrays)
    again, optimizer, history = load_run(tmp_path / "old.npz")
    assert optimizer is None and history is None
    np.testing.assert_array_equal(again.predict(batch()), model.predict(batch()))


def test_the_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "new" / "folder" / "model"
    save(trained_model(), str(path))
    assert [p.name for p in path.parent.iterdir()] == ["model"]
    load(str(path))


def test_own_initializers_do_not_hinder_saving(tmp_path):
    model = minicnn.Sequential([layers.Dense(2, initializer=lambda s, rng, dtype: np.ones(s, dtype))], (3,))
    save(model, tmp_path / "model.npz")
    np.testing.assert_array_equal(load(tmp_path / "model.npz").params["dense_1.w"], np.ones((3, 2)))


def test_own_layers_need_to_be_registered(tmp_path, monkeypatch):
    class Double(layers.ReLU):
        pass

    model = minicnn.Sequential([Double(), layers.Dense(2)], (3,))
    with pytest.raises(ValueError, match=r"LAYERS\['Double'\] = Double"):
        save(model, tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setitem(layers.LAYERS, "Double", Double)
    save(model, tmp_path / "model.npz")
    assert type(load(tmp_path / "model.npz").layers[0]) is Double
    monkeypatch.delitem(layers.LAYERS, "Double")
    with pytest.raises(ValueError, match="unknown layer 'Double'"):
        load(tmp_path / "model.npz")


# --- files that are no checkpoint ---


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no checkpoint .*nowhere\.npz"):
        load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", b"\x93NUMPY", b"\x80\x04N."])
def test_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn"):
        load(path)


def test_a_plain_array(tmp_path):
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn"):
        load(tmp_path / "array.npy")


@pytest.mark.parametrize("text", [None, "no json", "3", "{}", "[]"])
def test_an_archive_of_other_arrays(saved, text):
    rewrite(saved, architecture=None if text is None else np.array(text))
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn"):
        load(saved)


def test_pickled_objects_are_not_opened(saved, tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trapped"),)

    rewrite(saved, **{"params/dense_1.w": np.array([Trap()], dtype=object)})
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn, or is damaged"):
        load(saved)
    assert not (tmp_path / "trapped").exists()


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_a_file_cut_off(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn, or is damaged"):
        load(saved)


def test_a_flipped_byte_is_noticed(saved):
    content = bytearray(saved.read_bytes())
    content[content.index(b"params/dense_1.w.npy") + 400] ^= 0xFF
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="is not a checkpoint of minicnn, or is damaged"):
        load(saved)


# --- checkpoints that do not fit ---


def test_a_newer_format(saved):
    rewrite_architecture(saved, lambda a: a.update(format=FORMAT + 1))
    with pytest.raises(ValueError, match=r"format 3; this minicnn reads the formats 1 and 2. Install a newer"):
        load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.pop("layers"),
        lambda a: a.update(input_shape=[0]),
        lambda a: a.update(input_shape=7),
        lambda a: a.update(dtype="int8"),
        lambda a: a.update(dtype="nonsense"),
        lambda a: a.update(layers=[]),
        lambda a: a["layers"][0]["config"].update(filters=-1),
        lambda a: a["layers"][0]["config"].update(colour="red"),
        lambda a: a["layers"][0].update(type="Conv7D"),
        lambda a: a["layers"].append("Dense"),
    ],
)
def test_an_architecture_that_cannot_be_built(saved, change):
    rewrite_architecture(saved, change)
    with pytest.raises(ValueError, match=r"The architecture in .*model\.npz cannot be built: .+"):
        load(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params/dense_1.w": None}, r"Dense\(5.* needs dense_1.w of shape \(24, 5\), but there is none"),
        ({"state/batchnorm_1.running_mean": None}, "it lacks state/batchnorm_1.running_mean"),
        ({"params/dense_9.w": np.ones(3)}, "has an unknown params/dense_9.w"),
        ({"params/dense_3.b": np.ones(4, "float32")}, r"needs dense_3.b of shape \(3,\), but it is \(4,\)"),
        (
            {"state/batchnorm_1.running_var": np.ones(3, "f4")},
            r"running_var is float32 of shape \(3,\), expected .*\(4,\)",
        ),
        ({"params/dense_3.b": np.ones(3)}, r"dense_3.b is float64 of shape \(3,\), expected float32"),
    ],
)
def test_arrays_that_do_not_fit(saved, changes, message):
    rewrite(saved, **changes)
    with pytest.raises(ValueError, match=message):
        load(saved)


@pytest.mark.parametrize("name", ["rng", "checksums"])
def test_parts_that_belong_to_format_2(saved, name):
    rewrite(saved, **{name: None} if name == "rng" else {})
    if name == "checksums":
        without_checksums(saved)
    with pytest.raises(ValueError, match=f"does not fit its own architecture: it lacks {name}"):
        load(saved)


def without_checksums(path):
    with np.load(path) as archive:
        arrays = dict(archive)
    del arrays["checksums"]
    np.savez(path, **arrays)


def test_an_array_exchanged_by_hand(saved):
    """The zip's own checksum is right then."""
    with np.load(saved) as archive:
        arrays = dict(archive)
    arrays["params/dense_3.b"] = arrays["params/dense_3.b"] + 1
    np.savez(saved, **arrays)
    with pytest.raises(ValueError, match=r"dense_3.b does not have the checksum"):
        load(saved)


def test_an_array_left_out_by_hand(tmp_path):
    save(trained_model(), tmp_path / "m.npz", optimizer=optimizers.SGD(), history=minicnn.History())
    with np.load(tmp_path / "m.npz") as archive:
        arrays = dict(archive)
    del arrays["history"]
    np.savez(tmp_path / "m.npz", **arrays)
    with pytest.raises(ValueError, match="arrays are missing that it has checksums for"):
        load(tmp_path / "m.npz")


def test_compressed_files_are_not_read(saved):
    rewrite(saved, save=np.savez_compressed)
    with pytest.raises(ValueError, match="it is compressed, which checkpoints never are"):
        load(saved)


GIGA = 10**9


@pytest.mark.parametrize(
    "layers",
    [
        [("Dense", {"units": GIGA**3})],
        [("Dense", {"units": 10**4000})],
        [("Flatten", {}), ("Dense", {"units": GIGA})],
        [("Conv2D", {"filters": GIGA, "kernel_size": 1})],
        [("Conv2D", {"filters": 1, "kernel_size": GIGA, "padding": "same"})],
        [("Conv2D", {"filters": 1, "kernel_size": 3, "padding": GIGA}), ("Flatten", {}), ("Dense", {"units": 3})],
        [("BatchNorm", {})],
    ],
)
@pytest.mark.parametrize("shape", [SHAPE, (GIGA, GIGA, GIGA), (GIGA**5,), (1,) * 20_000])
def test_an_architecture_that_asks_for_absurd_amounts(saved, layers, shape):
    """Nothing is allocated before the file has shown that it holds as much."""
    entries = [{"type": kind, "config": config} for kind, config in layers]
    rewrite_architecture(saved, lambda a: a.update(layers=entries, input_shape=shape))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"cannot be built|is not a checkpoint"):
            load(saved)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "its architecture is nested too deeply"),
        ("[" * 300_000, "architecture needs 1200000 bytes of memory, more than the 1048576 allowed"),
        ("[" * 900 + "]" * 900, "is no JSON object"),
        ('{"format": 2, "layers": ' + "1" * 5000 + "}", "digits"),
        ('{"format": 2, "layers": [' + "[" * 900 + "]" * 900 + "]}", "cannot be built"),
        ('{"format": [2]}', "has checkpoint format"),
        ('{"format": 2}', "cannot be built: 'layers'"),
        ("\ud800", "is not a checkpoint"),
    ],
)
def test_hostile_texts(saved, text, message):
    rewrite(saved, architecture=np.array(text))
    with pytest.raises(ValueError, match=message):
        load(saved)


def test_letters_that_are_none(saved):
    letters = np.array([0x7FFFFFFF, 0x110000], np.uint32).view("<U2").reshape(())
    rewrite(saved, architecture=letters)
    with pytest.raises(ValueError, match="is not a checkpoint"):
        load(saved)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("history", lambda h: h.pop("loss"), "its history has the columns"),
        ("history", lambda h: h.update(colour=[]), "its history has the columns"),
        ("history", lambda h: h.update(loss=3), "its history has the columns"),
        ("history", lambda h: h.update(loss=[1.0]), "differ in length"),
        ("history", lambda h: [c.append("x") for c in h.values() if isinstance(c, list)], "that are no numbers"),
        ("optimizer", lambda o: o.pop("type"), "optimizer None in .* cannot be built"),
        ("optimizer", lambda o: o.update(type=["SGD"]), "cannot be built"),
        ("optimizer", lambda o: o.update(type="Adam"), "unexpected keyword argument 'momentum'"),
        ("optimizer", lambda o: o["config"].update(momentum=0), r"has the slots \['velocity'\], expected \[\]"),
        ("optimizer", lambda o: o.update(iterations=-1), "iterations"),
        ("optimizer", lambda o: o.pop("config"), "cannot be built: 'config'"),
        ("optimizer", lambda o: o["config"].update(momentum=2), "momentum"),
        ("optimizer", lambda o: o["config"].update(learning_rate="fast"), "learning_rate"),
    ],
)
def test_a_history_or_an_optimizer_that_is_none(tmp_path, name, change, message):
    path, optimizer, model = tmp_path / "run.npz", optimizers.SGD(0.01, momentum=0.9), trained_model()
    train(model, optimizer)
    save(model, path, optimizer=optimizer, history=minicnn.History())
    with np.load(path) as archive:
        values = json.loads(str(archive[name]))
    change(values)
    rewrite(path, **{name: np.array(json.dumps(values))})
    with pytest.raises(ValueError, match=message):
        load_run(path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("optimizer/dense_3.b/velocity", np.ones(4, "f4"), r"velocity is float32 of shape \(4,\), expected"),
        ("optimizer/dense_9.b/velocity", np.ones(3, "f4"), "unknown optimizer/dense_9.b/velocity"),
        ("optimizer/dense_3.b", np.ones(3, "f4"), "unknown optimizer/dense_3.b"),
        ("rng", np.ones(7, np.uint64), "rng is uint64 of shape"),
        ("rng", np.ones(6), "rng is float64 of shape"),
        ("rng", np.array([1, 2, 3, 4, 2, 0], np.uint64), "random generator"),
        ("rng", np.array([1, 2, 3, 4, 1, 2**32], np.uint64), "random generator"),
        ("../../etc/passwd", np.ones(3), "unknown .*passwd"),
    ],
)
def test_slots_and_numbers_that_do_not_fit(saved, name, array, message):
    rewrite(saved, **{name: array})
    with pytest.raises(ValueError, match=message):
        load(saved)


# --- writing ---


def test_an_error_while_writing_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def full_disk(file, **arrays):
        file.write(b"half a mod")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(trained_model(seed=4), saved)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == [saved.name]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with atomic_write(link) as file:
        file.write(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
