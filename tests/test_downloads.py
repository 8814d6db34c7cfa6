"""Downloads: from servers that break, lie and stall, on this machine."""

import errno
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests
from loopback import serving

from minicnn.datasets import DownloadError, data_folder, download
from minicnn.datasets.download import RemoteFile, fetch

CONTENT = np.random.default_rng(0).bytes(300_000)
BROKEN_AT = 100_000


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder for the data, and no other place to look at."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MINICNN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(download, "SYSTEM_FOLDER", tmp_path / "system")
    return tmp_path / "data" / "toys"


@pytest.fixture
def mirror():
    with serving({"toys.bin": CONTENT}) as server:
        yield server


@pytest.fixture
def second():
    with serving({"toys.bin": CONTENT}) as server:
        yield server


def remote(*mirrors, content=CONTENT, name="toys.bin"):
    return RemoteFile(name, len(content), (hashlib.sha256(content).hexdigest(),), tuple(m.url for m in mirrors))


def names(folder):
    """What lies in the folder, but for the lock."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def assert_whole(path, folder):
    assert path == folder / "toys.bin"
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["toys.bin"]


def break_off(mirror, folder):
    """Get a third of the file."""
    mirror.break_after = BROKEN_AT
    with pytest.raises(DownloadError, match="broke off"):
        fetch(remote(mirror), "toys")
    mirror.break_after = None
    assert names(folder) == [".toys.bin.part"]


# ------------------------------------------------------------------------------------------------------ the right way


def test_downloaded_once(mirror, folder):
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert mirror.asked == [("toys.bin", None)]


def test_a_bar_on_a_terminal(mirror, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fetch(remote(mirror), "toys")
    assert "toys.bin: 100%" in capsys.readouterr().err


def test_bytes_stay_as_they_are_where_a_server_calls_them_packed(mirror, folder):
    mirror.headers = {"Content-Encoding": "gzip"}  # as servers do that think a .gz file is for the browser to unpack
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_mirrors_in_their_order(mirror, second, folder):
    mirror.status = 503
    assert_whole(fetch(remote(mirror, second), "toys"), folder)
    assert len(mirror.asked) == len(second.asked) == 1
    (folder / "toys.bin").unlink()
    mirror.status = None
    fetch(remote(mirror, second), "toys")
    assert len(mirror.asked) == 2 and len(second.asked) == 1


# ----------------------------------------------------------------------------------------------- already there: offline


@pytest.fixture
def offline(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("the network was touched")

    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("place", ["data/toys", "data", "system/toys"])
def test_offline_where_the_file_is_there(place, tmp_path, monkeypatch, offline):
    path = tmp_path / place / "toys.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    for package in ("pooch", "filelock", "requests"):  # nor is the extra needed
        monkeypatch.setitem(sys.modules, package, None)
    assert fetch(RemoteFile("toys.bin", 1, remote().sha256, ("http://127.0.0.1:1/",)), "toys") == path


def test_a_file_packed_by_others_counts(folder, offline):
    folder.mkdir(parents=True)
    (folder / "toys.bin").write_bytes(b"the same, packed anew")
    other = hashlib.sha256(b"the same, packed anew").hexdigest()
    file = remote()
    assert fetch(file._replace(sha256=(*file.sha256, other)), "toys") == folder / "toys.bin"


def test_a_wrong_file_does_not_count(mirror, folder):
    folder.mkdir(parents=True)
    for path in (folder / "toys.bin", folder.parent / "toys.bin"):
        path.write_bytes(CONTENT[:-1])
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert (folder.parent / "toys.bin").read_bytes() == CONTENT[:-1]


def test_two_data_sets_may_have_files_of_one_name(mirror, folder):
    fetch(remote(mirror), "toys")
    mirror.files["toys.bin"] = b"others"
    assert fetch(remote(mirror, content=b"others"), "others").read_bytes() == b"others"
    assert fetch(remote(mirror), "toys").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "platform, environment, expected",
    [
        ("linux", {"HOME": "/home/ann", "XDG_CACHE_HOME": ""}, "/home/ann/.cache/minicnn"),
        ("linux", {"HOME": "/home/ann", "XDG_CACHE_HOME": "/scratch"}, "/scratch/minicnn"),
        ("darwin", {"HOME": "/Users/ann"}, "/Users/ann/Library/Caches/minicnn"),
        ("win32", {"HOME": "/c", "LOCALAPPDATA": "/c/Local"}, "/c/Local/minicnn/Cache"),
        ("linux", {"HOME": "/home/ann", "MINICNN_DATA": "~/mine"}, "/home/ann/mine"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths as POSIX writes them")
def test_each_system_has_its_place(platform, environment, expected, monkeypatch):
    monkeypatch.delenv("MINICNN_DATA")
    monkeypatch.setattr(sys, "platform", platform)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert data_folder() == Path(expected)


# ----------------------------------------------------------------------------------------------------- broken transfers


def test_a_broken_download_goes_on_at_the_next_try(mirror, folder):
    break_off(mirror, folder)
    assert (folder / ".toys.bin.part").read_bytes() == CONTENT[:BROKEN_AT]
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert mirror.asked == [("toys.bin", None), ("toys.bin", f"bytes={BROKEN_AT}-")]


def test_a_broken_download_goes_on_at_the_next_mirror(mirror, second, folder):
    mirror.break_after = BROKEN_AT
    assert_whole(fetch(remote(mirror, second), "toys"), folder)
    assert second.asked == [("toys.bin", f"bytes={BROKEN_AT}-")]


def test_a_stalled_download_is_given_up_and_goes_on(mirror, folder, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (5, 0.2))
    mirror.go_on, mirror.break_after = threading.Event(), BROKEN_AT
    with pytest.raises(DownloadError, match=r"broke off .*timed out"):
        fetch(remote(mirror), "toys")
    mirror.go_on.set()
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_a_server_without_ranges_sends_it_all_again(mirror, folder):
    break_off(mirror, folder)
    mirror.ranges = False
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert len(mirror.asked) == 2


def test_a_download_killed_before_its_last_step_needs_no_server(mirror, folder):
    folder.mkdir(parents=True)
    (folder / ".toys.bin.part").write_bytes(CONTENT)
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert mirror.asked == []


def test_ctrl_c_keeps_what_has_come(mirror, folder, monkeypatch):
    import tqdm

    class Interrupted(tqdm.tqdm):
        def update(self, n):
            raise KeyboardInterrupt

    monkeypatch.setattr(tqdm, "tqdm", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch(remote(mirror), "toys")
    monkeypatch.undo()
    monkeypatch.setenv("MINICNN_DATA", str(folder.parent))
    assert names(folder) == [".toys.bin.part"] and (folder / ".toys.bin.part").stat().st_size > 0
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert mirror.asked[1][1] is not None


# ------------------------------------------------------------------------------------------------------ wrong content


def test_a_wrong_checksum_leaves_nothing_and_the_next_try_works(mirror, folder):
    mirror.files["toys.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(DownloadError, match=f"does not match the known hash: expected {remote().sha256[0]}"):
        fetch(remote(mirror), "toys")
    assert names(folder) == [] and len(mirror.asked) == 1
    mirror.files["toys.bin"] = CONTENT
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_after_a_wrong_checksum_the_next_mirror_is_tried_from_the_beginning(mirror, second, folder):
    mirror.files["toys.bin"] = bytes(len(CONTENT))
    assert_whole(fetch(remote(mirror, second), "toys"), folder)
    assert second.asked == [("toys.bin", None)]


def test_a_wrong_part_is_not_blamed_on_the_mirror_that_completes_it(mirror, folder):
    folder.mkdir(parents=True)
    (folder / ".toys.bin.part").write_bytes(bytes(1000))
    assert_whole(fetch(remote(mirror), "toys"), folder)
    assert mirror.asked == [("toys.bin", "bytes=1000-"), ("toys.bin", None)]


@pytest.mark.parametrize("part", [b"", CONTENT[:1000]])
@pytest.mark.parametrize("headers", [{}, {"Content-Length": None, "Connection": "close"}])
def test_a_page_that_asks_for_a_password_is_not_taken_for_the_file(mirror, folder, part, headers):
    folder.mkdir(parents=True)
    (folder / ".toys.bin.part").write_bytes(part)
    mirror.files["toys.bin"], mirror.ranges, mirror.headers = b"<html>please log in</html>", False, headers
    with pytest.raises(DownloadError, match=r"answers with (26|an unknown number of) bytes, expected 300,000"):
        fetch(remote(mirror), "toys")
    assert (folder / ".toys.bin.part").read_bytes() == part


def test_a_range_from_elsewhere_is_not_taken_for_the_rest(mirror, folder):
    break_off(mirror, folder)
    mirror.headers = {"Content-Range": "bytes 5-200004/300000"}
    with pytest.raises(DownloadError, match="answers with 200000 bytes, expected 300,000"):
        fetch(remote(mirror), "toys")
    mirror.headers = {}
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_an_endless_answer_is_cut(mirror, folder):
    file = remote(mirror)
    mirror.files["toys.bin"] = b"%x\r\n" % (2 * len(CONTENT)) + 2 * CONTENT + b"\r\n0\r\n\r\n"
    mirror.headers = {"Transfer-Encoding": "chunked", "Content-Length": str(len(CONTENT))}
    with pytest.raises(DownloadError, match="sends more than the 300,000 bytes"):
        fetch(file, "toys")
    assert (folder / ".toys.bin.part").stat().st_size <= len(CONTENT)


def test_an_answer_that_ends_early_without_a_word(mirror, folder):
    file = remote(mirror)
    mirror.files["toys.bin"] = b"%x\r\n" % BROKEN_AT + CONTENT[:BROKEN_AT] + b"\r\n0\r\n\r\n"
    mirror.headers = {"Transfer-Encoding": "chunked", "Content-Length": str(len(CONTENT))}
    with pytest.raises(DownloadError, match="broke off after 100,000 of 300,000 bytes"):
        fetch(file, "toys")
    assert names(folder) == [".toys.bin.part"]


# ------------------------------------------------------------------------------------------------------------- errors


def test_all_mirrors_are_named_with_their_reasons(mirror, second, folder):
    mirror.status = 503
    del second.files["toys.bin"]
    file = remote(mirror, second)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        with pytest.raises(DownloadError) as caught:
            fetch(file._replace(mirrors=(*file.mirrors, closed)), "toys")
    message = str(caught.value)
    assert f"{mirror.url}: answers 503 Service Unavailable" in message
    assert f"{second.url}: answers 404 Not Found" in message
    assert f"{closed}: cannot be reached" in message
    assert f"put the file into {folder} yourself (SHA-256 {file.sha256[0]})" in message
    assert isinstance(caught.value, OSError)
    assert names(folder) == []


def test_a_certificate_that_cannot_be_verified_is_told_from_a_missing_server(mirror, monkeypatch):
    def refuse(*arguments, **options):
        raise requests.exceptions.SSLError("self-signed certificate")

    monkeypatch.setattr(requests, "get", refuse)
    with pytest.raises(DownloadError, match=r"shows a certificate that cannot be verified"):
        fetch(remote(mirror), "toys")


@pytest.mark.parametrize("package", ["pooch", "filelock"])
def test_without_the_extra_the_error_names_it(package, mirror, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=rf'toys\.bin is not in .*{package}: pip install "minicnn\[data\]"'):
        fetch(remote(mirror), "toys")
    assert not folder.exists() and not mirror.asked


def test_a_full_disk_is_seen_before_the_download(mirror, folder, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=299_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(DownloadError, match=r"cannot be written .*300,000 bytes are to come.* 299,999 left.*Make room"):
        fetch(remote(mirror), "toys")
    assert names(folder) == [] and not mirror.asked
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=300_000))
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_what_has_come_needs_no_room(mirror, folder, monkeypatch):
    break_off(mirror, folder)
    usage = shutil.disk_usage("/")._replace(free=len(CONTENT) - BROKEN_AT)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_a_disk_that_fills_up_meanwhile_is_left_as_it_was(mirror, folder, monkeypatch):
    opened = Path.open

    class Full:
        """A file on a disk with room for 50,000 bytes."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def truncate(self, size):
            self.file.truncate(size)

        def write(self, content):
            if self.file.tell() + len(content) > 50_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(content)

    monkeypatch.setattr(
        Path, "open", lambda path, mode="r": Full(opened(path, mode)) if path.suffix == ".part" else opened(path, mode)
    )
    with pytest.raises(DownloadError, match=r"cannot be written to .*: No space left on device\. Make room"):
        fetch(remote(mirror), "toys")
    assert names(folder) == []
    monkeypatch.setattr(Path, "open", opened)
    assert_whole(fetch(remote(mirror), "toys"), folder)


def test_a_folder_that_cannot_be_made(mirror, folder):
    folder.parent.write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot be written to .*set MINICNN_DATA"):
        fetch(remote(mirror), "toys")


# ------------------------------------------------------------------------------------------------- several processes

CHILD = """
import sys
from minicnn.datasets.download import RemoteFile, fetch
path = fetch(RemoteFile("toys.bin", int(sys.argv[1]), (sys.argv[2],), (sys.argv[3],)), "toys")
print(path.stat().st_size)
"""


def child(mirror):
    """A process of its own that wants the file."""
    file = remote(mirror)
    arguments = [sys.executable, "-c", CHILD, str(file.size), *file.sha256, *file.mirrors]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    )


def wait_until(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came")


def test_of_two_processes_one_downloads_and_both_get_it(mirror, folder):
    mirror.break_after, mirror.go_on = BROKEN_AT, threading.Event()
    first = child(mirror)
    wait_until(lambda: mirror.asked)
    other = child(mirror)
    assert "another process is downloading it; waiting" in other.stderr.readline()
    assert names(folder)[0] == ".toys.bin.part" and "toys.bin" not in names(folder)
    mirror.go_on.set()
    for process in (first, other):
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out.strip()) == (0, "300000"), err
    assert len(mirror.asked) == 1
    assert_whole(folder / "toys.bin", folder)


def test_after_a_killed_process_another_goes_on(mirror, folder):
    mirror.break_after, mirror.go_on = BROKEN_AT, threading.Event()
    killed = child(mirror)
    part = folder / ".toys.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    killed.kill()
    killed.communicate()
    come = part.stat().st_size
    mirror.break_after = None
    path = fetch(remote(mirror), "toys")
    assert path.read_bytes() == CONTENT and not part.exists()
    assert mirror.asked == [("toys.bin", None), ("toys.bin", f"bytes={come}-")]
