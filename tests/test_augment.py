"""Augmentation: each step against its formula, and random numbers that depend on seed, epoch and batch only."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import SGD, Dense, Dropout, Flatten, Sequential, SoftmaxCrossEntropy, augment, datasets, fit
from minicnn.augment import Brightness, Contrast, Crop, Cutout, Flip, Pipeline, Shift
from minicnn.callbacks import Callback
from minicnn.kernels.augment import translate

H, W = 6, 5
STEPS = [Flip(), Shift(2), Shift(2, fill=1.0), Crop((4, 3)), Cutout(3), Brightness(0.2), Contrast(0.3)]
KINDS = [np.uint8, np.float32, np.float64]


def images(n=200, dtype=np.float32, channels=2):
    rng = np.random.default_rng(5)
    pixels = rng.integers(1, 255, (n, H, W, channels))
    return pixels.astype(dtype) if dtype == np.uint8 else (pixels / 255).astype(dtype)


def rng(seed=0):
    return np.random.default_rng(seed)


# ------------------------------------------------------------------------------------------------- all steps alike


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_step_returns_new_images_of_the_same_kind(step, dtype, channels):
    x = images(20, dtype, channels)
    kept = x.copy()
    y = step(x, rng())
    assert y.dtype == dtype
    assert y.shape == ((20, 4, 3, channels) if isinstance(step, Crop) else x.shape)
    assert not np.shares_memory(x, y)
    assert_array_equal(x, kept)
    assert_array_equal(y, step(x, rng()))
    assert not np.array_equal(y, step(x, rng(1)))


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_memory_layout_makes_no_difference(step):
    x = images(20)
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[:, ::-1, ::-1].copy()[:, ::-1, ::-1]):
        assert_array_equal(step(same, rng()), step(x, rng()))


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_no_image_and_one_image(step):
    assert len(step(images(0), rng())) == 0
    assert len(step(images(1), rng())) == 1


@pytest.mark.parametrize("step", STEPS, ids=repr)
@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((H, W, 3), np.float32), ValueError, r"images\[None\]"),
        (np.zeros((2, H * W), np.float32), ValueError, r"\(N, H, W, C\), got \(2, 30\)"),
        (np.zeros((2, H, W, 3), int), TypeError, "uint8, float32 or float64, got int64"),
        ([[1]], TypeError, "got list"),
    ],
)
def test_what_is_no_batch_of_images(step, x, error, message):
    with pytest.raises(error, match=f"{type(step).__name__} takes.*{message}"):
        step(x, rng())
    with pytest.raises(error, match=f"center_crop takes.*{message}"):
        augment.center_crop(x, 2)


# ---------------------------------------------------------------------------------------------- each by its formula


@pytest.mark.parametrize("dtype", KINDS)
def test_flip(dtype):
    x = images(1000, dtype)
    y = Flip()(x, rng())
    mirrored = (y == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((y == x).all(axis=(1, 2, 3)) | mirrored).all()
    assert 430 < mirrored.sum() < 570  # four standard deviations
    assert_array_equal(Flip(1)(x, rng()), x[:, :, ::-1])
    assert_array_equal(Flip(0)(x, rng()), x)


def moved(image, a, b, fill):
    """Equation (2) in loops."""
    y = np.full_like(image, fill)
    for i in range(H):
        for j in range(W):
            if 0 <= i + a < H and 0 <= j + b < W:
                y[i, j] = image[i + a, j + b]
    return y


@pytest.mark.parametrize(("dtype", "fill", "pixel"), [(np.uint8, 1, 255), (np.float32, 0, 0), (np.float64, 0.5, 0.5)])
def test_shift(dtype, fill, pixel):
    x = images(300, dtype)
    seen = set()
    for before, after in zip(x, Shift(2, fill)(x, rng()), strict=True):
        places = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if (moved(before, a, b, pixel) == after).all()]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 25


def test_shift_beyond_the_image_leaves_the_fill():
    x = images(400)
    y = Shift(9, fill=1)(x, rng())
    away = (y == 1).all(axis=(1, 2, 3))
    assert 0.2 < away.mean() < 0.95  # |a| >= 6 or |b| >= 5
    assert_array_equal(Shift(0)(x, rng()), x)


@pytest.mark.parametrize("left", [-10, -9, -3, 0, 2, 6, 7, 10])
@pytest.mark.parametrize("width", [5, 6, 7])
def test_moved_rows_stay_within_their_arrays(left, width):
    """The compiled loops would not notice an index too large; in Python they do."""
    rows, out = np.arange(12.0).reshape(1, 2, 6), np.full((1, 2, width), np.nan)
    arguments = rows, np.array([0]), np.array([left]), -1.0, out
    getattr(translate, "py_func", translate)(*arguments)
    expected = [[rows[0, i, r + left] if 0 <= r + left < 6 else -1 for r in range(width)] for i in range(2)]
    assert_array_equal(out[0], expected)
    out[:] = np.nan
    translate(*arguments)
    assert_array_equal(out[0], expected)


@pytest.mark.parametrize("dtype", KINDS)
def test_crop(dtype):
    x = images(300, dtype)
    seen = set()
    for before, after in zip(x, Crop((4, 3))(x, rng()), strict=True):
        places = [(a, b) for a in range(3) for b in range(3) if (before[a : a + 4, b : b + 3] == after).all()]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 9
    assert_array_equal(Crop((H, W))(x, rng()), x)
    assert Crop(3)(x, rng()).shape == (300, 3, 3, 2)
    assert_array_equal(augment.center_crop(x, 3), x[:, 1:4, 1:4])
    with pytest.raises(ValueError, match=r"at least 6x6, got \(6, 5\)"):
        Crop(6)(x, rng())
    with pytest.raises(ValueError, match=r"at least 6x6, got \(6, 5\)"):
        augment.center_crop(x, 6)


@pytest.mark.parametrize(("dtype", "fill", "pixel"), [(np.uint8, 1, 255), (np.float32, 0, 0), (np.float64, 0.5, 0.5)])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_cutout(dtype, fill, pixel, size):
    x = images(600, dtype)
    x[x == pixel] = x[0, 0, 0, 0]
    y = Cutout(size, fill)(x, rng())
    cut = (y != x).any(axis=3)
    assert (y[cut] == pixel).all()
    rows, columns = cut.any(axis=2), cut.any(axis=1)
    assert_array_equal(cut, rows[:, :, None] & columns[:, None, :])  # one rectangle
    assert (rows.sum(axis=1).max(), columns.sum(axis=1).max()) == (size, size)
    assert rows.any(axis=1).all()  # its middle is in the image
    assert size == 1 or (rows[:, 0] & ~rows[:, size - 1]).any()  # cut off at the border
    assert cut.any(axis=0).all()  # everywhere
    whole = cut[cut.sum(axis=(1, 2)) == size**2]
    assert (np.diff(np.flatnonzero(whole[0].any(axis=1))) == 1).all()


def test_brightness():
    x = images(500)
    change = Brightness(0.2)(x, rng()) - x
    inside = (x > 0.25) & (x < 0.75)
    for image, mask in zip(change, inside, strict=True):
        assert np.ptp(image[mask]) < 1e-6  # one number for all pixels
    per_image = np.array([image[mask].mean() for image, mask in zip(change, inside, strict=True)])
    assert -0.2 <= per_image.min() < -0.18 and 0.18 < per_image.max() <= 0.2
    assert abs(per_image.mean()) < 0.02


def test_contrast():
    x = images(500, np.float64)
    y = Contrast(0.3)(x, rng())
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    inside = (y > 0) & (y < 1) & (abs(x - mean) > 0.01)
    factor = np.divide(y - mean, x - mean, where=inside, out=np.full(x.shape, np.nan))
    per_image = np.array([np.median(f[mask]) for f, mask in zip(factor, inside, strict=True)])
    assert_allclose(factor[inside], np.broadcast_to(per_image[:, None, None, None], x.shape)[inside], rtol=1e-9)
    assert 0.7 <= per_image.min() < 0.73 and 1.27 < per_image.max() <= 1.3


@pytest.mark.parametrize("step", [Brightness(0.5), Contrast(0.9)], ids=repr)
def test_light_stays_between_black_and_white_and_is_the_same_for_bytes(step):
    x = images(100, np.uint8)
    y, in_floats = step(x, rng()), step(x / 255, rng())
    assert in_floats.min() == 0 and in_floats.max() == 1
    assert y.min() == 0 and y.max() == 255
    assert_allclose(y, 255 * in_floats, atol=0.5001)  # rounded to the nearest


def test_light_of_standardized_images_is_refused():
    x = images(4) * 4 - 2
    for step in (Brightness(0.1), Contrast(0.1)):
        with pytest.raises(ValueError, match=r"floats from 0 to 1, got -1\.98.*standardize them after"):
            step(x, rng())
        with pytest.raises(ValueError, match="nan"):
            step(np.full((1, 2, 2, 1), np.nan), rng())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Flip(1.5), ValueError, "probability"),
        (lambda: Shift(-1), ValueError, "pixels"),
        (lambda: Shift(1.5), TypeError, "pixels"),
        (lambda: Shift(2, fill=255), ValueError, "fill <= 1"),
        (lambda: Crop(0), ValueError, "size"),
        (lambda: Crop((1, 2, 3)), ValueError, r"pair \(height, width\)"),
        (lambda: Crop("8"), TypeError, "size"),
        (lambda: Cutout(0), ValueError, "size"),
        (lambda: Cutout(2, fill=-1), ValueError, "fill"),
        (lambda: Brightness(2), ValueError, "strength"),
        (lambda: Contrast(-0.1), ValueError, "strength"),
        (lambda: Pipeline(Flip()), TypeError, r"takes a list such as .*got Flip\(\)"),
        (lambda: Pipeline(["flip"]), TypeError, "takes a list such as"),
        (lambda: Pipeline([Flip]), TypeError, r"got the class Flip: write Flip\(...\)"),
        (lambda: Pipeline([Flip()], seed=-1), ValueError, "seed"),
        (lambda: Pipeline([])(images(2), epoch=-1), ValueError, "epoch"),
        (lambda: Pipeline([])(images(2), batch=0.5), TypeError, "batch"),
        (lambda: Flip()(images(2), 0), TypeError, r"Flip takes a generator such as np.random.default_rng\(0\).*got 0"),
        (lambda: Flip()(datasets.ScaledImages(images(2)), rng()), TypeError, r"got ScaledImages; .*images\[:20\]"),
    ],
)
def test_arguments_that_do_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()


# ------------------------------------------------------------------------------------------------------ the pipeline


def test_a_pipeline_is_its_steps_in_order():
    steps = [Flip(), Shift(1), Contrast(0.2)]
    x = images(9)
    generator = np.random.Generator(np.random.SFC64([7, 2, 5]))
    expected = x
    for step in steps:
        expected = step(expected, generator)
    assert_array_equal(Pipeline(steps, seed=7)(x, epoch=2, batch=5), expected)
    assert repr(Pipeline(steps, seed=7)) == "Pipeline([Flip(), Shift(1), Contrast(0.2)], seed=7)"
    assert_array_equal(Pipeline([])(x), x)


def test_seed_epoch_and_batch_each_change_the_draws():
    x = images(9)
    results = [Pipeline([Shift(2)], seed)(x, epoch, batch) for seed in (0, 1) for epoch in (0, 1) for batch in (0, 1)]
    assert len({result.tobytes() for result in results}) == 8


def network():
    return Sequential([Flatten(), Dropout(0.5), Dense(3)], input_shape=(H, W, 2))


def weights(x, labels, **options):
    model = network()
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.1), "epochs": 2, "batch_size": 8} | options
    fit(model, (x, labels), **options)
    return model.params["dense_1.w"]


def test_fit_augments_each_batch_by_its_numbers():
    x, labels = images(20), np.arange(20) % 3
    pipeline = Pipeline([Flip(), Shift(1)], seed=3)
    trained = weights(x, labels, augment=pipeline, shuffle=False)
    model, loss, optimizer = network(), SoftmaxCrossEntropy(), SGD(0.1)
    for epoch in range(2):
        for batch in range(3):
            part = slice(8 * batch, 8 * batch + 8)
            loss.forward(model.forward(pipeline(x[part], epoch, batch), training=True), labels[part])
            model.backward(loss.backward())
            optimizer.step(model.params, model.grads)
    assert_array_equal(trained, model.params["dense_1.w"])


@pytest.mark.parametrize("in_slices", [False, True])
def test_a_run_that_was_cut_off_sees_the_same_images(tmp_path, in_slices):
    """In the midst of an epoch, with nothing of the augmentation remembered; also of bytes in an object's slices."""

    class Slices:
        def __len__(self):
            return len(x)

        def __getitem__(self, part):
            return x[part.start : part.stop]

    class Interrupt(Callback):
        def on_batch_end(self, run):
            run.ctrl_c |= cut and (run.epoch, run.step) == (1, 2)

    x, labels = images(40, np.uint8), np.arange(40) % 3
    source = datasets.ScaledImages(Slices() if in_slices else x)
    options = {"augment": Pipeline([Flip(), Shift(1)], seed=3), "callbacks": [Interrupt()], "epochs": 3}
    cut = False
    whole = weights(source, labels, **options)
    cut = True
    assert not np.array_equal(weights(source, labels, resume=tmp_path / "run.npz", **options), whole)
    cut = False
    assert_array_equal(weights(source, labels, resume=tmp_path / "run.npz", **options), whole)


def test_augmentation_leaves_dropout_and_order_alone():
    x, labels = images(20), np.arange(20) % 3
    assert_array_equal(weights(x, labels, augment=Pipeline([Shift(0), Flip(0)])), weights(x, labels))
    assert not np.array_equal(weights(x, labels, augment=Pipeline([Shift(1)])), weights(x, labels))


def test_steps_of_ones_own_may_change_shape_and_kind():
    """What counts is what comes out: here bytes of a larger size go in."""
    x, labels = np.zeros((20, H + 3, W + 2, 2), np.uint8), np.arange(20) % 3
    steps = [Crop((H, W)), lambda images, rng: (images / 255 + rng.normal(0, 0.1, images.shape)).astype(np.float32)]
    assert np.isfinite(weights(x, labels, augment=Pipeline(steps))).all()


@pytest.mark.parametrize(
    ("pipeline", "error", "message"),
    [
        (Flip(), TypeError, r"fit takes a pipeline such as .*got Flip\(\)"),
        ([Flip()], TypeError, "takes a pipeline"),
        (Pipeline, TypeError, "takes a pipeline"),
        (Pipeline([Crop(3)]), ValueError, r"\(N, 6, 5, 2\).*got \(1, 3, 3, 2\)"),
        (Pipeline([lambda images, rng: None]), TypeError, "got a NoneType"),
    ],
)
def test_fit_refuses_what_does_not_fit_before_it_begins(pipeline, error, message):
    model = network()
    before = model.params["dense_1.w"].copy()
    with pytest.raises(error, match=message):
        fit(model, (images(4), [0, 1, 2, 0]), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), augment=pipeline)
    assert_array_equal(model.params["dense_1.w"], before)
