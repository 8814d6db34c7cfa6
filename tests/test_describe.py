"""`Dataset.describe` and the contact sheet: they show what is in a data set, and what is wrong with it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from minicnn import datasets, plots
from minicnn.datasets import Dataset, ScaledImages, Split, description

TWO_IMAGES = 2 * 4 * 4 * 3 * 3  # bytes


def a_split(labels, shape=(4, 3, 3), seed=0):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (len(labels), *shape)).astype(np.float32) / 255
    return Split(images, np.array(labels, dtype=np.int64))


@pytest.fixture
def data():
    """Three classes, 7 training and 4 test images, no two the same."""
    return Dataset("toys", a_split([0, 1, 2, 0, 1, 0, 0]), a_split([0, 1, 2, 2], seed=1), ("ant", "bee", "cow"))


def test_numbers_are_those_of_the_arrays(data):
    found = data.describe()
    for split, about in ((data.train, found.train), (data.test, found.test)):
        assert about.images == len(split.labels)
        assert about.per_class == tuple(np.bincount(split.labels, minlength=3))
        assert (about.low, about.high) == (split.images.min(), split.images.max())
        exact = split.images.astype(np.float64)
        np.testing.assert_allclose(about.mean, exact.mean(axis=(0, 1, 2)), rtol=1e-12)
        np.testing.assert_allclose(about.deviation, exact.std(axis=(0, 1, 2)), rtol=1e-12)
    assert not (found.in_both or found.repeated or found.contradictions or found.out_of_range or found.remarks)


def assert_same_numbers(a, b):
    assert (a.images, a.per_class, a.low, a.high) == (b.images, b.per_class, b.low, b.high)
    np.testing.assert_allclose([a.mean, a.deviation], [b.mean, b.deviation], rtol=1e-12)


def test_a_part_at_a_time_gives_the_same(data, monkeypatch):
    whole = data.describe()
    monkeypatch.setattr(description, "PART", TWO_IMAGES)
    assert_same_numbers(data.describe().train, whole.train)


def test_images_that_stay_in_a_file_are_read_a_part_at_a_time(data, monkeypatch):
    class Stored:
        """Knows only its length and slices, and how much was asked for at once."""

        most = 0

        def __len__(self):
            return len(pixels)

        def __getitem__(self, part):
            self.most = max(self.most, len(pixels[part]))
            return pixels[part]

    pixels, stored = np.round(data.train.images * 255).astype(np.uint8), Stored()
    lazy = replace(data, train=data.train._replace(images=ScaledImages(stored)))
    monkeypatch.setattr(description, "PART", TWO_IMAGES)
    stored.most = 0
    assert_same_numbers(lazy.describe().train, data.describe().train)
    assert stored.most == 2


def test_test_images_that_were_trained_on(data):
    data.test.images[[1, 3]] = data.train.images[[4, 2]]
    found = data.describe()
    assert found.in_both == ((1, 4), (3, 2))
    assert found.contradictions == ()
    assert found.remarks == (
        "2 (50.0 %) of the test images are training images too (test 1, 3): "
        "their accuracy says nothing about new images.",
    )


def test_training_images_that_occur_again(data):
    data.train.images[[3, 5]] = data.train.images[0]
    found = data.describe()
    assert found.repeated == 2 and found.in_both == ()
    assert found.remarks == ("2 (28.6 %) of the training images occur more than once.",)


def test_images_with_two_labels(data):
    data.train.images[1] = data.train.images[0]
    data.test.images[2] = data.train.images[0]
    data.test.images[3] = data.test.images[0]
    found = data.describe()
    assert found.contradictions == (("train", 1, "train", 0), ("test", 2, "train", 0), ("test", 3, "test", 0))
    assert "3 images have another label where they occur again (train[1] = train[0], " in str(found)
    assert found.in_both == ((2, 0),)


def test_labels_that_name_no_class(data):
    data.train.labels[[2, 6]] = 3, -1  # a Dataset refuses them when it is made, but its arrays may be changed
    found = data.describe()
    assert found.out_of_range == (("train", 2, 3), ("train", 6, -1))
    assert "2 labels name no class, 0 to 2 (train[2]: 3, train[6]: -1)." in found.remarks
    assert found.train.per_class == (3, 2, 0)


def test_labels_that_begin_at_one():
    numbered = Dataset("toys", a_split([1, 2, 1, 2]), a_split([1, 2], seed=1), ("0", "1", "2"))
    assert numbered.describe().remarks == (
        "There is no training image of 0. Do the labels begin at 1?",
        "There is no test image of 0.",
    )
    missing = Dataset("toys", a_split([0, 2, 0, 2]), a_split([0, 1], seed=1), ("0", "1", "2"))
    assert missing.describe().remarks == ("There is no training image of 1.", "There is no test image of 2.")


def test_images_divided_twice(data):
    dark = replace(
        data,
        train=data.train._replace(images=data.train.images / np.float32(255)),
        test=data.test._replace(images=data.test.images / np.float32(255)),
    )
    assert dark.describe().remarks == ("The brightest pixel is 0.0039: were the images divided by 255 twice?",)


def test_it_prints_as_tables(data):
    lines = str(data.describe()).splitlines()
    assert lines[0] == "toys: 7 training and 4 test images, 4x3 pixels, 3 channels, 3 classes"
    assert lines[2].split() == ["class", "training", "test"]
    assert lines[3].split() == ["ant", "4", "(57.1", "%)", "1", "(25.0", "%)"]
    assert lines[-1] == "Nothing looks wrong."
    table = [line for line in lines[2:-1] if line]
    assert len({line.index(word) for line, word in zip(table[:2], ("training", "4 (57"), strict=True)}) == 1
    mean = next(line for line in lines if line.startswith("mean"))
    assert [float(word) for word in mean.split()[1:4]] == pytest.approx(data.describe().train.mean, abs=6e-4)


def test_many_classes_are_cut_short():
    names = tuple(f"class{k}" for k in range(60))
    many = Dataset("toys", a_split(range(60)), a_split(range(60), seed=1), names)
    text = str(many.describe())
    assert "class39 " in text and "class40 " not in text and "and 20 more" in text
    assert len(many.describe().to_dict()["train"]["per_class"]) == 60


def test_to_dict_is_json(data):
    data.test.images[1] = data.train.images[4]
    found = data.describe().to_dict()
    assert json.loads(json.dumps(found)) == found
    assert found["in_both"] == [[1, 4]] and found["train"]["per_class"] == [4, 2, 1]


@pytest.mark.parametrize("name", ["fashion-mini", "digits"])
def test_nothing_is_wrong_with_what_comes_with_minicnn(name):
    assert datasets.load(name).describe().remarks == ()


# ------------------------------------------------------------------------------------------------------- contact sheet


def sheet_of(figure):
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    (ax,) = figure.axes
    (image,) = ax.images
    return np.asarray(image.get_array()), ax


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("test", [False, True])
def test_a_row_of_each_class(channels, test):
    train, other = a_split([0, 1, 2, 0, 1, 0, 0], (4, 3, channels)), a_split([2, 2, 0, 1], (4, 3, channels), seed=1)
    data = Dataset("toys", train, other, ("ant", "bee", "cow"))
    sheet, ax = sheet_of(plots.contact_sheet(data, test=test, columns=3))
    images, labels = other if test else train
    counts = np.bincount(labels)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [
        f"{name}\n{count}" for name, count in zip(data.classes, counts, strict=True)
    ]
    for row, count in enumerate(counts):
        known = {np.broadcast_to(image, (4, 3, 3)).tobytes() for image in images[labels == row]}
        cells = [sheet[5 * row : 5 * row + 4, 4 * j : 4 * j + 3] for j in range(sheet.shape[1] // 4)]
        shown = [np.ascontiguousarray(cell).tobytes() for cell in cells if not (cell == 1).all()]
        assert len(set(shown)) == len(shown) == min(count, 3)
        assert set(shown) <= known


def test_the_seed_draws_the_images(data):
    sheets = [sheet_of(plots.contact_sheet(data, columns=2, seed=seed))[0] for seed in (0, 0, 1, 2, 3)]
    np.testing.assert_array_equal(sheets[0], sheets[1])
    assert any(not np.array_equal(sheets[0], other) for other in sheets[2:])


def test_of_many_classes_the_first(data):
    names = tuple(f"class{k}" for k in range(60))
    many = Dataset("toys", a_split(range(60)), a_split(range(60), seed=1), names)
    sheet, ax = sheet_of(plots.contact_sheet(many))
    assert len(ax.get_yticks()) == 20 and "the first 20 of 60 classes" in ax.get_title(loc="left")
    assert sheet.shape == (100, 4, 3)


def test_the_seed_is_a_whole_number(data):
    with pytest.raises(ValueError, match=r"contact_sheet needs a whole number .*seed, got -1"):
        plots.contact_sheet(data, seed=-1)


@pytest.mark.parametrize("columns, error", [(0, ValueError), (-1, ValueError), (2.5, TypeError)])
def test_columns_are_counted(data, columns, error):
    with pytest.raises(error, match=r"contact_sheet needs a whole number .*columns"):
        plots.contact_sheet(data, columns=columns)
