"""A model comes back as it was; a file that is none, or is damaged, gets an error that says so."""

import json
import os

import numpy as np
import pytest

import minicnn
from minicnn import initializers, layers
from minicnn.atomic_write import atomic_write
from minicnn.checkpoint import FORMAT, load, save

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


def rewrite(path, **changes):
    """Save the archive again with some arrays changed; None leaves one out."""
    with np.load(path) as archive:
        arrays = dict(archive) | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


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
    with pytest.raises(ValueError, match="unknown layers Double"):
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
    with pytest.raises(ValueError, match=rf"format {FORMAT + 1}; this minicnn reads format {FORMAT}. Install a newer"):
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
        ({"params/dense_1.w": None}, "it lacks params/dense_1.w"),
        ({"state/batchnorm_1.running_mean": None}, "it lacks state/batchnorm_1.running_mean"),
        ({"params/dense_9.w": np.ones(3)}, "has an unknown params/dense_9.w"),
        ({"params/dense_3.b": np.ones(4, "float32")}, r"dense_3.b is float32 of shape \(4,\), expected .* \(3,\)"),
        ({"params/dense_3.b": np.ones(3)}, r"dense_3.b is float64 of shape \(3,\), expected float32"),
    ],
)
def test_arrays_that_do_not_fit(saved, changes, message):
    rewrite(saved, **changes)
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
