"""Folders of pictures: hostile and unusual files, resizing, threads, the bar, and what is kept for next time."""

import io
import os
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from PIL import Image

from minicnn import datasets
from minicnn.datasets import decoded, folder, picture

GREY_16 = np.full((6, 6), 51 * 257, np.uint16)


@pytest.fixture(autouse=True)
def folder_of_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "kept"))
    return tmp_path / "kept" / "folders"


@pytest.fixture
def pets(tmp_path):
    """Two classes of four pictures: red and green, the blue channel tells them apart."""
    root = tmp_path / "pets"
    for name, colour in (("cat", (255, 0)), ("dog", (0, 255))):
        (root / name).mkdir(parents=True)
        for k in range(4):
            Image.new("RGB", (9, 6), (*colour, 10 * k)).save(root / name / f"{k}.png")
    return root


@pytest.fixture
def decoded_files(monkeypatch):
    """Names of the files that were really decoded."""
    names, really = [], decoded.read_picture

    def read_picture(file, size, resize):
        names.append(file.name)
        return really(file, size, resize)

    monkeypatch.setattr(decoded, "read_picture", read_picture)
    return names


def both(data):
    """All images, and all labels, in an order that does not depend on the split."""
    images = np.concatenate([data.train.images, data.test.images])
    labels = np.concatenate([data.train.labels, data.test.labels])
    order = np.argsort([image.tobytes() for image in images])
    return images[order], labels[order]


def content_of(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(path, content, size=(6, 6), resize="antialiased"):
    path.write_bytes(content)
    return picture.read_picture(path, size, resize)


# ---------------------------------------------------------------------------------------------------- unusual pictures


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("TIFF", {}), ("PPM", {})])
def test_16_bit_grey(tmp_path, kind, options):
    pixels = read(tmp_path / "x", content_of(Image.fromarray(GREY_16), kind, **options))
    np.testing.assert_array_equal(pixels, np.full((6, 6, 3), 51))


def test_16_bit_grey_rounds_from_black_to_white(tmp_path):
    levels = np.array([[0, 128, 129, 32767, 32768, 65406, 65407, 65535]], np.uint16)
    pixels = read(tmp_path / "x", content_of(Image.fromarray(levels), "PNG"), (1, 8), "nearest")
    assert pixels[0, :, 0].tolist() == np.rint(levels[0] / 257).astype(int).tolist()


def test_16_bit_grey_of_the_other_byte_order(tmp_path):
    pixels = read(tmp_path / "x", content_of(Image.fromarray(GREY_16.astype(">u2")), "TIFF"))
    np.testing.assert_array_equal(pixels, np.full((6, 6, 3), 51))


def test_16_bit_grey_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    levels = GREY_16.copy()
    levels[:, :3] = 65535
    upright = read(tmp_path / "x", content_of(Image.fromarray(levels), "PNG", exif=exif))
    assert upright[:3].min() == 255 and upright[3:].max() == 51


def test_32_bits_have_no_white(tmp_path):
    for array in (np.zeros((6, 6), np.int32), np.zeros((6, 6), np.float32)):
        with pytest.raises(ValueError, match="have no agreed white; save it with 8 or 16 bits"):
            read(tmp_path / "x", content_of(Image.fromarray(array), "TIFF"))


def test_every_orientation_comes_out_upright(tmp_path):
    upright = np.zeros((8, 12, 3), np.uint8)
    upright[:4, :6] = 255, 0, 0
    upright[:4, 6:] = 0, 255, 0
    upright[4:, :6] = 0, 0, 255
    undo = {1: [], 2: ["FLIP_LEFT_RIGHT"], 3: ["ROTATE_180"], 4: ["FLIP_TOP_BOTTOM"], 5: ["TRANSPOSE"]}
    undo |= {6: ["ROTATE_90"], 7: ["TRANSVERSE"], 8: ["ROTATE_270"]}
    for orientation, ways in undo.items():
        stored = Image.fromarray(upright)
        for way in ways:
            stored = stored.transpose(Image.Transpose[way])
        exif = Image.Exif()
        exif[0x0112] = orientation
        pixels = read(tmp_path / "x", content_of(stored, "PNG", exif=exif), (8, 12), "nearest")
        np.testing.assert_array_equal(pixels, upright, err_msg=str(orientation))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_broken_note_of_the_camera_does_not_cost_the_picture(tmp_path, kind):
    content = content_of(Image.new("L", (6, 6), 51), kind, exif=b"Exif\0\0MMbroken")
    np.testing.assert_allclose(read(tmp_path / "x", content).astype(int), 51, atol=2)


def test_animations_show_their_first_picture(tmp_path):
    frames = [Image.new("L", (6, 6), grey) for grey in (51, 255)]
    for kind in ("GIF", "TIFF"):
        content = content_of(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(read(tmp_path / "x", content), np.full((6, 6, 3), 51))


def test_nearest_takes_pixels_and_antialiased_takes_means(tmp_path):
    stripes = Image.fromarray(np.tile(np.array([0, 255], np.uint8), (64, 32)))
    content = content_of(stripes, "PNG")
    assert set(read(tmp_path / "x", content, (4, 4), "nearest").ravel()) <= {0, 255}
    assert 120 < read(tmp_path / "x", content, (4, 4), "antialiased")[:, 1:3].mean() < 135


@pytest.mark.parametrize("scale", [5, 11, 40])
def test_large_photographs_look_the_same_however_they_are_decoded(tmp_path, scale):
    rng = np.random.default_rng(0)
    scene = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    large = scene.resize((16 * scale, 12 * scale), Image.Resampling.BICUBIC)
    content = content_of(large, "JPEG", quality=95)
    pixels = read(tmp_path / "x", content, (12, 16)).astype(int)
    whole = Image.open(io.BytesIO(content)).convert("RGB").resize((16, 12), Image.Resampling.BILINEAR)
    assert np.abs(pixels - np.asarray(whole)).mean() < 2


def test_a_picture_is_what_it_holds_not_what_it_is_called(tmp_path):
    np.testing.assert_array_equal(read(tmp_path / "x.gif", content_of(Image.new("L", (6, 6), 51), "BMP")), 51)
    drawing = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    assert Image.open(io.BytesIO(drawing)).format == "EPS"  # Pillow would start Ghostscript to read it
    for content in (drawing, b"", b"text", bytes(1000)):
        with pytest.raises(ValueError, match="no picture of the kinds read here"):
            read(tmp_path / "x.jpg", content)


def test_the_giant_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    content = content_of(Image.new("1", (30_000, 3_000)), "PNG")  # 90 million pixels in 12 kilobytes
    monkeypatch.setattr(Image.Image, "convert", lambda *arguments: pytest.fail("unpacked"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"30000x3000 pixels are more than the 89,478,485 .*MAX_IMAGE_PIXELS"):
            read(tmp_path / "x.png", content)


# --------------------------------------------------------------------------------------------------- what was left out


def test_skipped_lists_each_file_and_why(pets, tmp_path):
    (pets / "cat" / "text.jpg").write_text("no picture")
    (pets / "cat" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (pets / "dog" / "giant.png").write_bytes(content_of(Image.new("1", (30_000, 3_000)), "PNG"))
    whole = (pets / "dog" / "0.png").read_bytes()
    (pets / "dog" / "cut.png").write_bytes(whole[:-30])
    for _ in range(2):  # the second time with what was kept
        with pytest.warns(UserWarning, match=r"left out pictures that cannot be read \(4\)"):
            data = datasets.from_folder(pets)
        reasons = dict(data.skipped)
        assert list(reasons) == ["cat/phone.heic", "cat/text.jpg", "dog/cut.png", "dog/giant.png"]
        assert "no picture of the kinds" in reasons["cat/phone.heic"]
        assert "30000x3000 pixels" in reasons["dog/giant.png"]
        assert len(data.train.labels) + len(data.test.labels) == 8
    assert data.subset(train=2).skipped == data.skipped


def test_nothing_left_out(pets):
    assert datasets.from_folder(pets).skipped == ()


def test_files_of_the_test_folder_are_listed_too(pets, tmp_path):
    (tmp_path / "all").mkdir()
    pets.rename(tmp_path / "all" / "train")
    for name in ("cat", "dog"):
        (tmp_path / "all" / "val" / name).mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "all" / "val" / name / "0.png")
    (tmp_path / "all" / "val" / "dog" / "bad.png").write_text("")
    with pytest.warns(UserWarning, match=r"val/dog/bad\.png"):
        data = datasets.from_folder(tmp_path / "all")
    assert [name for name, _ in data.skipped] == ["val/dog/bad.png"]
    assert (len(data.train.labels), len(data.test.labels)) == (8, 2)


def test_resize_must_be_known(pets):
    with pytest.raises(ValueError, match=r"from_folder\(resize=...\) takes 'antialiased' or 'nearest', got 'cubic'"):
        datasets.from_folder(pets, resize="cubic")


def test_many_pictures_take_a_byte_a_pixel(pets, monkeypatch):
    plain = datasets.from_folder(pets)
    monkeypatch.setattr(folder, "LARGE", plain.test.images.nbytes)
    data = datasets.from_folder(pets)
    assert isinstance(data.train.images, datasets.ScaledImages) and data.train.images.base.dtype == np.uint8
    assert isinstance(data.test.images, np.ndarray)
    np.testing.assert_array_equal(data.train.images[:], plain.train.images)
    np.testing.assert_array_equal(data.test.images, plain.test.images)


# ------------------------------------------------------------------------------------------------------ threads and bar


def test_pictures_are_decoded_side_by_side(pets, monkeypatch):
    monkeypatch.setenv("MINICNN_THREADS", "3")
    three_at_once = threading.Barrier(3, timeout=20)
    threads, waited = set(), threading.Lock()
    really = decoded.read_picture

    def read_picture(file, size, resize):
        if file.parent.name == "cat" and file.name != "3.png":
            three_at_once.wait()  # comes back only if three are here together
        with waited:
            threads.add(threading.get_ident())
        return really(file, size, resize)

    monkeypatch.setattr(decoded, "read_picture", read_picture)
    data = datasets.from_folder(pets)
    assert len(threads) == 3 and not data.skipped
    images, labels = both(data)
    np.testing.assert_array_equal(images[:, 0, 0, :2].argmax(axis=1), labels)


@pytest.mark.parametrize("terminal, progress, shown", [(True, None, True), (False, None, False), (False, True, True)])
def test_a_bar_where_somebody_sees_it(pets, capsys, monkeypatch, terminal, progress, shown):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    datasets.from_folder(pets, progress=progress)
    assert ("decoding: 100%" in capsys.readouterr().err) == shown
    datasets.from_folder(pets, progress=progress)
    assert capsys.readouterr().err == ""  # nothing left to decode


def test_ctrl_c_does_not_wait_for_all_pictures(pets, monkeypatch):
    import tqdm

    begun = []

    def slowly(file, size, resize):
        begun.append(file)
        time.sleep(0.02)
        return np.zeros((*size, 3), np.uint8)

    class Interrupted(tqdm.tqdm):
        def update(self, n=1):
            raise KeyboardInterrupt

    monkeypatch.setenv("MINICNN_THREADS", "1")
    monkeypatch.setattr(decoded, "read_picture", slowly)
    monkeypatch.setattr(tqdm, "tqdm", Interrupted)
    filters = list(warnings.filters)
    with pytest.raises(KeyboardInterrupt):
        datasets.from_folder(pets)
    assert len(begun) < 8
    assert warnings.filters == filters


# -------------------------------------------------------------------------------------------------- kept for next time


def test_each_picture_is_decoded_once(pets, decoded_files):
    first = datasets.from_folder(pets, size=5)
    assert len(decoded_files) == 8
    second = datasets.from_folder(str(pets), size=(5, 5))
    assert len(decoded_files) == 8
    np.testing.assert_array_equal(first.train.images, second.train.images)
    np.testing.assert_array_equal(first.test.labels, second.test.labels)
    datasets.from_folder(pets, size=5, seed=9, test_share=0.5)  # the split is drawn afterwards
    assert len(decoded_files) == 8


@pytest.mark.parametrize("options", [{"size": 6}, {"resize": "nearest"}, {"cache": False}])
def test_other_options_decode_again(pets, decoded_files, options):
    datasets.from_folder(pets, size=5)
    datasets.from_folder(pets, **({"size": 5} | options))
    assert len(decoded_files) == 16


def test_two_sizes_are_kept_side_by_side(pets, decoded_files):
    for size in (5, 6, 5, 6):
        datasets.from_folder(pets, size=size)
    assert len(decoded_files) == 16


def test_nothing_is_kept_on_request(pets, folder_of_data):
    datasets.from_folder(pets, cache=False)
    assert not folder_of_data.exists()


def test_changed_and_new_pictures_are_decoded_and_the_gone_forgotten(pets, decoded_files, folder_of_data):
    datasets.from_folder(pets)
    decoded_files.clear()
    Image.new("RGB", (9, 6), (255, 0, 99)).save(pets / "cat" / "1.png")
    os.utime(pets / "dog" / "2.png", ns=(1, 1))
    unchanged = (pets / "dog" / "3.png").stat().st_mtime_ns
    with (pets / "dog" / "3.png").open("ab") as file:
        file.write(b"more")
    os.utime(pets / "dog" / "3.png", ns=(unchanged, unchanged))
    Image.new("RGB", (9, 6), (0, 255, 77)).save(pets / "dog" / "new.png")
    (pets / "cat" / "3.png").unlink()
    images, labels = both(datasets.from_folder(pets))
    assert sorted(decoded_files) == ["1.png", "2.png", "3.png", "new.png"]
    assert sorted(np.round(images[labels == 0][:, 0, 0, 2] * 255).astype(int)) == [0, 20, 99]
    assert sorted(np.round(images[labels == 1][:, 0, 0, 2] * 255).astype(int)) == [0, 10, 20, 30, 77]
    (kept,) = folder_of_data.iterdir()
    with np.load(kept, allow_pickle=False) as archive:
        assert archive["images"].shape == (8, 32, 32, 3)
        assert {name.split("|")[0] for name in archive["names"]} == {
            path.relative_to(pets).as_posix() for path in pets.glob("*/*")
        }


def test_two_folders_of_one_name_are_two(pets, tmp_path, decoded_files):
    datasets.from_folder(pets)
    (tmp_path / "other").mkdir()
    pets.rename(tmp_path / "other" / "pets")
    datasets.from_folder(tmp_path / "other" / "pets")
    assert len(decoded_files) == 16


def damage(content, rng):
    damaged = bytearray(content[: rng.integers(0, len(content))] if rng.random() < 0.4 else content)
    for position in rng.integers(0, max(len(damaged), 1), 3):
        if damaged:
            damaged[position] ^= 1 << rng.integers(0, 8)
    return bytes(damaged)


def test_what_was_kept_and_is_damaged_is_made_again(pets, folder_of_data, decoded_files):
    expected = both(datasets.from_folder(pets, size=3))
    (kept,) = folder_of_data.iterdir()
    whole = kept.read_bytes()
    rng = np.random.default_rng(1)
    with np.load(kept, allow_pickle=False) as archive:
        names = archive["names"]
    foreign = [b"", b"text", whole[:-1]]
    for wrong in (
        {"names": names, "images": np.zeros((8, 9, 9, 3), np.uint8)},
        {"names": names, "images": np.zeros((7, 3, 3, 3), np.uint8)},
        {"names": names, "images": np.zeros((8, 3, 3, 3))},
        {"names": names.astype(object), "images": np.zeros((8, 3, 3, 3), np.uint8)},
        {"names": names},
    ):
        file = io.BytesIO()
        np.savez(file, **wrong)
        foreign.append(file.getvalue())
    for content in foreign + [damage(whole, rng) for _ in range(60)]:
        kept.write_bytes(content)
        np.testing.assert_array_equal(both(datasets.from_folder(pets, size=3))[0], expected[0])
    decoded_files.clear()
    kept.write_bytes(b"text")
    datasets.from_folder(pets, size=3)
    datasets.from_folder(pets, size=3)
    assert len(decoded_files) == 8  # mended by the first


def test_where_nothing_can_be_kept_it_works_all_the_same(pets, tmp_path, decoded_files):
    (tmp_path / "kept").write_text("no folder")
    for _ in range(2):
        assert len(both(datasets.from_folder(pets))[1]) == 8
    assert len(decoded_files) == 16
