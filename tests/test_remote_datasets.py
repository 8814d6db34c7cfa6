"""MNIST, Fashion-MNIST, CIFAR-10 and its cats and dogs: small files of the same form, from a server on this machine."""

import gzip
import hashlib
import io
import re
import struct
import sys
import tarfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from loopback import serving

from minicnn import cli, datasets
from minicnn.datasets import cifar, download, idx, remote

IDX_NAMES = tuple(remote.IDX["mnist"].files)
RECORDS = 10  # in each small batch of CIFAR-10


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path / "data"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def idx_file(array):
    return gzip.compress(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def small_idx(rng):
    """Arrays of four small files, and the files."""
    arrays = [rng.integers(0, 256, (40, 5, 4), dtype=np.uint8), np.arange(40, dtype=np.uint8) % 10]
    arrays += [rng.integers(0, 256, (20, 5, 4), dtype=np.uint8), np.arange(20, dtype=np.uint8) % 10]
    return arrays, {name: idx_file(array) for name, array in zip(IDX_NAMES, arrays, strict=True)}


def tar(members, mode="w:gz"):
    """An archive of these names and contents; a TarInfo stands for itself."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, content in members:
            if isinstance(name, str):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                archive.addfile(name)
    return file.getvalue()


@pytest.fixture
def batches(rng, monkeypatch):
    """Six small batches by name: labels 0 to 9 in turn, random pixels."""
    monkeypatch.setattr(cifar, "RECORDS", RECORDS)
    made = {}
    for name in (*cifar.TRAIN_BATCHES, cifar.TEST_BATCH):
        records = rng.integers(0, 256, (RECORDS, cifar.RECORD_BYTES), dtype=np.uint8)
        records[:, 0] = rng.permutation(RECORDS) % 10
        made[name] = records
    return made


def members(batches):
    return [(name, records.tobytes()) for name, records in batches.items()]


# -------------------------------------------------------------------------------------------------------- load by name


@pytest.mark.parametrize("name, classes", [("mnist", remote.DIGIT_CLASSES), ("fashion-mnist", remote.FASHION_CLASSES)])
def test_load_idx_data(name, classes, small_idx, folder, monkeypatch):
    arrays, files = small_idx
    with serving(files) as mirror:
        about = {file: (len(content), (sha256(content),)) for file, content in files.items()}
        monkeypatch.setitem(remote.IDX, name, remote.IDX[name]._replace(files=about, mirrors=(mirror.url,)))
        data = datasets.load(name)
        again = datasets.load(name)
    assert [asked for asked, _ in mirror.asked] == list(IDX_NAMES)
    assert sorted(path.name for path in (folder / name).glob("[!.]*")) == sorted(IDX_NAMES)
    assert (data.name, data.classes, data.image_shape) == (name, classes, (5, 4, 1))
    assert data.licence and data.description
    np.testing.assert_array_equal(np.round(data.train.images[..., 0] * 255), arrays[0])
    np.testing.assert_array_equal(data.train.labels, arrays[1])
    np.testing.assert_array_equal(np.round(again.test.images[..., 0] * 255), arrays[2])
    np.testing.assert_array_equal(again.test.labels, arrays[3])


@pytest.fixture
def small_cifar(batches, folder, monkeypatch):
    """A server for a small archive, put in CIFAR-10's place."""
    content = tar(members(batches))
    with serving({remote.CIFAR10.name: content}) as mirror:
        monkeypatch.setattr(
            remote, "CIFAR10", remote.RemoteFile(remote.CIFAR10.name, len(content), (sha256(content),), (mirror.url,))
        )
        yield mirror


def test_load_cifar10(small_cifar, batches, folder):
    data = datasets.load("cifar10")
    assert repr(data) == "Dataset('cifar10', train=50, test=10, image_shape=(32, 32, 3), classes=10)"
    assert data.classes == cifar.CLASSES
    record = batches[cifar.TRAIN_BATCHES[1]][4]  # image 14 of the training split
    assert data.train.labels[RECORDS + 4] == record[0]
    for row, column, colour in ((0, 0, 0), (0, 31, 1), (31, 0, 2), (17, 5, 1)):
        expected = record[1 + 1024 * colour + 32 * row + column]
        assert round(data.train.images[RECORDS + 4, row, column, colour] * 255) == expected
    np.testing.assert_array_equal(data.test.labels, batches[cifar.TEST_BATCH][:, 0])
    assert data.train.images.flags.c_contiguous  # else every layer would run on scattered memory


def test_load_cats_vs_dogs(small_cifar, batches):
    data = datasets.load("cats-vs-dogs")
    assert data.classes == ("cat", "dog")
    assert np.bincount(data.train.labels).tolist() == [5, 5]
    assert np.bincount(data.test.labels).tolist() == [1, 1]
    whole = datasets.load("cifar10")
    for split, of_all in ((data.train, whole.train), (data.test, whole.test)):
        chosen = (of_all.labels == cifar.CLASSES.index("cat")) | (of_all.labels == cifar.CLASSES.index("dog"))
        np.testing.assert_array_equal(split.images, of_all.images[chosen])
        np.testing.assert_array_equal(split.labels, of_all.labels[chosen] == cifar.CLASSES.index("dog"))
    assert len(small_cifar.asked) == 1  # one archive for both


def test_without_network_and_files_the_error_says_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(remote, "CIFAR10", remote.CIFAR10._replace(mirrors=("http://127.0.0.1:9/",)))
    with pytest.raises(datasets.DownloadError, match=r"cats-vs-dogs|cifar10: cifar-10-binary.tar.gz could not be"):
        datasets.load("cats-vs-dogs")
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "minicnn\[data\]"'):
        datasets.load("mnist")


def test_the_command_says_it_too(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert cli.main(["lesson", "--data", "mnist", "--out", str(folder)]) == 2
    assert 'pip install "minicnn[data]"' in capsys.readouterr().err


def test_what_is_known_of_the_files_is_well_formed():
    files = [
        remote.RemoteFile(name, size, sums, data.mirrors)
        for data in remote.IDX.values()
        for name, (size, sums) in data.files.items()
    ]
    for file in (*files, remote.CIFAR10):
        assert file.size > 4000 and len(file.mirrors) >= 2
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in file.sha256)
        assert all(re.fullmatch("https?://.*/", mirror) for mirror in file.mirrors)
    assert len({digest for file in files for digest in file.sha256}) == 12
    for data in remote.IDX.values():
        assert [name.split("-")[0] for name in data.files] == ["train", "train", "t10k", "t10k"]
        assert [name.split("-")[1] for name in data.files] == ["images", "labels", "images", "labels"]
    page = Path(datasets.__file__).with_name("DATA.md").read_text(encoding="utf-8")
    for name, (_, (_, debian)) in remote.IDX["fashion-mnist"].files.items():
        assert f"| `{name}` | `{debian}` |" in page


# ------------------------------------------------------------------------------------------------------------ IDX pairs


def test_idx_pair_that_does_not_belong_together(tmp_path):
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(idx_file(np.zeros((3, 2, 2), np.uint8)))
    for wrong, message in (([0, 1], "needs images .*N labels"), ([0, 1, 4], "labels: has the label 4, .* end at 3")):
        labels.write_bytes(idx_file(np.array(wrong, np.uint8)))
        with pytest.raises(ValueError, match=message):
            idx.read_idx_pair(images, labels, 4)
    labels.write_bytes(idx_file(np.zeros(3, np.uint8)))
    for pair in ((labels, images), (labels, labels)):
        with pytest.raises(ValueError, match="needs images"):
            idx.read_idx_pair(*pair, 4)


def peak(function, *arguments):
    """Most bytes that NumPy and Python held while the function raised its ValueError."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compress", [True, False])
def test_idx_asks_for_no_more_memory_than_the_file_can_fill(tmp_path, compress):
    content = b"\0\0\x08\x01" + struct.pack(">I", 2**30) + b"few"
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(content) if compress else content)
    assert peak(idx.read_idx, path) < 2_000_000


def test_idx_stops_at_what_the_header_says(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 10) + bytes(50_000_000)))
    assert peak(idx.read_idx, path) < 2_000_000


def test_idx_refuses_damaged_files_in_its_own_words(tmp_path, rng):
    array = rng.integers(0, 256, (9, 5, 4), dtype=np.uint8)
    packed, path, read = idx_file(array), tmp_path / "x.idx", 0
    for whole in (packed, gzip.decompress(packed)):
        for _ in range(200):
            damaged = bytearray(whole[: rng.integers(0, len(whole))] if rng.random() < 0.3 else whole)
            for position in rng.integers(0, max(len(damaged), 1), 2):
                damaged[position : position + 1] = rng.bytes(1)
            path.write_bytes(damaged)
            try:
                read += idx.read_idx(path).size == array.size  # a changed pixel does not matter
            except ValueError as error:
                assert str(error).startswith("x.idx: ")
    assert 0 < read < 400


# ---------------------------------------------------------------------------------------------------------- CIFAR files


def refused(tmp_path, content, message):
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^cifar\.tar\.gz: is no archive of CIFAR-10's binary version \(.*{message}"):
        cifar.read_cifar10(path)


def test_cifar_takes_members_in_any_order_among_others(tmp_path, batches):
    others = [(f"{cifar.FOLDER}/readme.html", b"read me"), ("../escape.bin", b"x"), ("/etc/passwd", b"x")]
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(tar(others + members(batches)[::-1]))
    arrays = cifar.read_cifar10(path)
    np.testing.assert_array_equal(arrays["y_train"][:RECORDS], batches[cifar.TRAIN_BATCHES[0]][:, 0])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifar.tar.gz"]  # nothing was unpacked


def test_cifar_refuses_other_files(tmp_path, batches, rng):
    whole = tar(members(batches))
    refused(tmp_path, b"", "")
    refused(tmp_path, b"no archive", "Not a gzipped file")
    refused(tmp_path, gzip.compress(b"no archive at all" * 100), "")
    for length in (5, 500, len(whole) // 2, len(whole) - 5000):
        refused(tmp_path, whole[:length], "")
    refused(tmp_path, tar(members(batches), mode="w"), "Not a gzipped file")


def test_cifar_refuses_batches_of_another_form(tmp_path, batches):
    six = members(batches)
    name, content = six[2]
    refused(tmp_path, tar(six[:2] + six[3:]), "data_batch_3.bin missing")
    refused(tmp_path, tar([*six, six[2]]), "data_batch_3.bin is no file of 10 images, or there twice")
    refused(tmp_path, tar([*six[:2], (name, content[:-1]), *six[3:]]), "data_batch_3.bin is no file of 10 images")
    refused(tmp_path, tar([*six[:2], (name, content + b"x"), *six[3:]]), "data_batch_3.bin is no file of 10 images")
    for kind in (tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
        other = tarfile.TarInfo(name)
        other.type, other.linkname, other.size = kind, "/etc/passwd", len(content)
        refused(tmp_path, tar([*six[:2], (other, b""), *six[3:]]), "data_batch_3.bin is no file of 10 images")
    batches[name][7, 0] = 10
    refused(tmp_path, tar(members(batches)), "it has the label 10, the classes end at 9")


def test_cifar_gives_up_on_bombs(tmp_path, batches, monkeypatch):
    monkeypatch.setattr(cifar, "MAX_UNPACKED", 2_000_000)
    path = tmp_path / "cifar.tar.gz"
    path.write_bytes(tar([("padding", bytes(30_000_000)), *members(batches)]))
    assert peak(cifar.read_cifar10, path) < 8_000_000
    refused(tmp_path, path.read_bytes(), "unpacks to more than 2,000,000 bytes")
    giant = tarfile.TarInfo(cifar.TEST_BATCH)
    giant.size = 2**40  # and nothing behind it
    header = giant.tobuf(tarfile.GNU_FORMAT)
    refused(tmp_path, gzip.compress(header), "is no file of 10 images")
    long_name = tarfile.TarInfo("x")
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 2**40
    refused(tmp_path, gzip.compress(long_name.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)), "")


def test_cifar_refuses_damaged_archives(tmp_path, batches, rng):
    """Damage behind the compression, where no checksum of gzip's sees it."""
    plain = tar(members(batches), mode="w")
    path = tmp_path / "cifar.tar.gz"
    read = 0
    for _ in range(150):
        damaged = bytearray(plain[: rng.integers(1, len(plain))] if rng.random() < 0.2 else plain)
        for start in rng.integers(0, len(damaged) // 512, 3) * 512:  # among others, in the headers
            damaged[start + rng.integers(0, 512)] = rng.integers(0, 256)
        header = 512 * rng.integers(0, 2) + (512 + len(members(batches)[0][1]) // 512 * 512 + 512) * rng.integers(0, 6)
        damaged[min(header + rng.integers(0, 512), len(damaged) - 1)] = rng.integers(0, 256)
        path.write_bytes(gzip.compress(damaged, 1))
        try:
            cifar.read_cifar10(path)  # a changed pixel does not matter
            read += 1
        except ValueError as error:
            assert str(error).startswith("cifar.tar.gz: is no archive")
    assert 0 < read < 150
