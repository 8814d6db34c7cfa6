"""docs/data.md: its code runs and prints what stands there, its tables say what the code knows."""

import hashlib
import io
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minicnn import datasets
from minicnn.datasets import cifar, picture, remote

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, flags=re.DOTALL)


def words(text):
    """Without spacing, and without the digits that depend on the pictures."""
    return " ".join(re.sub(r"\d+(\.\d+)?(e[-+]\d+)?", "#", text).split())


@pytest.fixture
def pets():
    """The folder of the page: 40 pictures a class, and one that is none."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        Path("pets", name).mkdir(parents=True)
        for k in range(40):
            pixels = rng.integers(0, 256, (36, 48, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(Path("pets", name, f"{k}.png"))
    Path("pets", "dog", "holiday.jpg").write_text("no picture")


@pytest.fixture
def a_small_cifar10(tmp_path, monkeypatch):
    """An archive of CIFAR-10's form that lies where the page says."""
    monkeypatch.setattr(cifar, "RECORDS", 20)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in (*cifar.TRAIN_BATCHES, cifar.TEST_BATCH):
            records = np.zeros((20, cifar.RECORD_BYTES), np.uint8)
            records[:, 0] = np.arange(20) % 10
            member = tarfile.TarInfo(name)
            member.size = records.nbytes
            archive.addfile(member, io.BytesIO(records.tobytes()))
    path = tmp_path / "data" / "cifar10" / "cifar-10-binary.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(file.getvalue())
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    monkeypatch.setattr(remote, "CIFAR10", remote.CIFAR10._replace(sha256=(digest,)))
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "data"))


def test_the_code_prints_what_stands_there(capsys, tmp_path, monkeypatch, a_small_cifar10, request):
    monkeypatch.chdir(tmp_path)
    request.getfixturevalue("pets")
    space = {}
    for code, shown in BLOCKS:
        if "from_folder" in code:
            with pytest.warns(UserWarning, match=r"left out pictures .*holiday\.jpg"):
                exec(code, space)
        else:
            exec(code, space)
        assert words(capsys.readouterr().out) == words(shown), code
    assert len(BLOCKS) == 6 and (tmp_path / "pets.png").stat().st_size > 10_000


def test_every_name_is_listed_with_what_it_is():
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \| ([\d,]+) and ([\d,]+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert tuple(name for name, *_ in rows) == datasets.names()
    for name, what, train, test, _ in rows:
        if name in ("fashion-mini", "digits"):
            data = datasets.load(name)
            counts = len(data.train.labels), len(data.test.labels)
            assert (int(train.replace(",", "")), int(test.replace(",", ""))) == counts
            assert f"{data.image_shape[0]}x{data.image_shape[1]} grey, {len(data.classes)} classes" in what


def test_files_and_sizes_are_those_that_are_downloaded():
    rows = dict(re.findall(r"^\| `(\S+/\S+)` \| `([0-9a-f]{64})` \|$", PAGE, flags=re.MULTILINE))
    known = {f"{n}/{file}": sums[0] for n, data in remote.IDX.items() for file, (_, sums) in data.files.items()}
    assert rows == known | {f"cifar10/{remote.CIFAR10.name}": remote.CIFAR10.sha256[0]}
    for name, data in remote.IDX.items():
        megabytes = round(sum(size for size, _ in data.files.values()) / 1e6)
        assert re.search(rf"\| `{name}` .*download, {megabytes} MB", PAGE)
    assert f"download, {round(remote.CIFAR10.size / 1e6)} MB" in PAGE


def test_the_kinds_of_pictures_are_counted():
    assert len(picture.FORMATS) == 7 and "one of the seven kinds" in PAGE


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (Path(__file__).parents[1] / "docs" / target).exists(), target
