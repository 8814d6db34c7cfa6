"""The reader of .npz files: what NumPy wrote comes back, and what lies is refused before it costs memory."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from minicnn.safe_npz import DEFLATE_RATIO, MOST_DIRECTORY, SafeNpz

MB = 1 << 20


def npz(save=np.savez, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file


def archive(*members, compression=zipfile.ZIP_STORED):
    """A zip of (name, bytes) pairs, whatever they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in members:
            made.writestr(name, content)
    return file


def npy(descr="<f4", shape="(3,)", numbers=b"", version=b"\x01\x00", order="False"):
    """An array's member, whatever it claims."""
    header = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version[:1] == b"\x01" else "<I", len(header))
    return b"\x93NUMPY" + version + length + header + numbers


def read(file, name="x", max_bytes=MB):
    return SafeNpz(file).read(name, max_bytes=max_bytes)


ARRAYS = {
    "float32": np.arange(6, dtype="f4").reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "big-endian": np.arange(5, dtype=">i8"),
    "bool": np.array([True, False]),
    "uint8": np.arange(256, dtype=np.uint8),
    "text": np.array(["cat", "dogs"]),
    "bytes": np.array([b"a", b"bc"]),
    "scalar": np.array(3.5),
    "empty": np.zeros((0, 4)),
    "larger than a piece": np.random.default_rng(0).standard_normal((3 * MB) // 8 + 1),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_wrote_comes_back(save):
    npz_file = SafeNpz(npz(save, **ARRAYS))
    assert npz_file.names == list(ARRAYS)
    for name, array in ARRAYS.items():
        again = npz_file.read(name, max_bytes=4 * MB)
        np.testing.assert_array_equal(again, array)
        assert again.shape == array.shape and again.dtype == array.dtype.newbyteorder("=")


def test_the_numbers_of_a_stored_array_can_be_mapped(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, **ARRAYS)
    with path.open("rb") as file:
        headers = {name: SafeNpz(file).header(name) for name in ("float32", "fortran", "larger than a piece")}
    for name, header in headers.items():
        mapped = np.memmap(path, header.dtype, "r", header.offset, header.shape, header.order)
        np.testing.assert_array_equal(mapped, ARRAYS[name])
    assert SafeNpz(npz(np.savez_compressed, x=np.zeros(3))).header("x").offset is None


def test_more_than_the_caller_allows():
    file = npz(x=np.zeros(1000))
    assert read(file, max_bytes=8000).size == 1000
    with pytest.raises(ValueError, match="x needs 8000 bytes of memory, more than the 7999 allowed"):
        read(file, max_bytes=7999)


# --- rule (1): the directory ---


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 cut off", b"\x93NUMPY", b"\x80\x04N.", b"P" * 70_000])
def test_no_zip(content):
    with pytest.raises(ValueError, match="not a zip file"):
        SafeNpz(io.BytesIO(content))


def test_a_giant_directory():
    members = [(f"{k}{'n' * 60_000}.npy", b"") for k in range(20)]
    with pytest.raises(ValueError, match=f"directory has .* bytes, more than the {MOST_DIRECTORY} allowed"):
        SafeNpz(archive(*members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["x.npy", "x"])
def test_a_name_that_stands_there_twice(twin):
    with pytest.raises(ValueError, match="x is in it twice"):
        SafeNpz(archive(("x.npy", npy()), (twin, npy())))


# --- rule (2): members ---


def in_directory(file, offset, patch):
    """Write over the directory's entry of the first member."""
    content = bytearray(file.getvalue())
    entry = content.index(b"PK\x01\x02")
    content[entry + offset : entry + offset + len(patch)] = patch
    return io.BytesIO(content)


def test_an_encrypted_member():
    with pytest.raises(ValueError, match="x is encrypted"):
        SafeNpz(in_directory(npz(x=np.zeros(3)), 8, b"\x01"))


def test_a_foreign_compression():
    with pytest.raises(ValueError, match="x is compressed in a way that NumPy does not write"):
        SafeNpz(archive(("x.npy", npy()), compression=zipfile.ZIP_BZIP2))


def test_members_that_overlap():
    file = archive(("x.npy", npy(numbers=bytes(12))), ("y.npy", npy(numbers=bytes(12))))
    content = bytearray(file.getvalue())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 0)  # where the second begins: there, where the first does
    with pytest.raises(ValueError, match="overlaps another member"):
        SafeNpz(io.BytesIO(content))


def test_a_member_that_reaches_into_the_directory():
    file = archive(("x.npy", npy(numbers=bytes(12))))
    size = len(npy(numbers=bytes(12)))
    with pytest.raises(ValueError, match="overlaps the directory"):
        SafeNpz(in_directory(file, 20, struct.pack("<II", size + 1, size + 1)))


def test_a_member_that_is_not_where_it_should_be():
    with pytest.raises(ValueError, match="x is not where the directory says"):
        SafeNpz(in_directory(archive(("x.npy", npy(numbers=bytes(99)))), 42, struct.pack("<I", 9)))


def test_a_member_that_has_two_names():
    content = archive(("x.npy", npy(numbers=bytes(12)))).getvalue().replace(b"x.npy", b"y.npy", 1)
    with pytest.raises(ValueError, match="differ"):
        read(io.BytesIO(content))


def test_a_name_is_no_path(tmp_path):
    name = "../../../../outside"
    file = archive((f"{name}.npy", npy(numbers=np.ones(3, "f4").tobytes())))
    np.testing.assert_array_equal(read(file, name), np.ones(3))
    assert list(tmp_path.iterdir()) == []


# --- rules (3) and (5): bombs ---


def peak_of(call, *arguments, **options):
    """Memory in bytes at the highest point of a call that is refused."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as caught:
            call(*arguments, **options)
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def test_a_bomb_is_not_unpacked():
    numbers = 400 * MB
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as made, made.open("x.npy", "w") as member:
        member.write(npy(shape=f"({numbers // 4},)"))
        for _ in range(numbers // MB):
            member.write(bytes(MB))
    peak, message = peak_of(read, file)
    assert peak < 3 * MB and "x needs 419430400 bytes of memory" in message


def test_a_size_that_deflate_cannot_have_reached():
    content = npy(shape=f"({10**9},)", numbers=bytes(5000))
    file = archive(("x.npy", content), compression=zipfile.ZIP_DEFLATED)
    packed = zipfile.ZipFile(file).infolist()[0].compress_size
    claim = in_directory(file, 24, struct.pack("<I", packed * DEFLATE_RATIO + 1))
    peak, message = peak_of(read, claim, max_bytes=10**12)
    assert peak < 3 * MB and "x cannot have" in message


def test_a_size_that_is_not_there():
    """The claim is possible for deflate, but the member unpacks to less."""
    header = npy(shape="(100000,)")
    file = archive(("x.npy", header + np.random.default_rng(0).bytes(5000)), compression=zipfile.ZIP_DEFLATED)
    claim = in_directory(file, 24, struct.pack("<I", len(header) + 400_000))
    with pytest.raises(ValueError, match="x ends early"):
        read(claim, max_bytes=10**12)


# --- rule (4): the array ---

OBJECTS = io.BytesIO()
np.save(OBJECTS, np.array([{}], dtype=object), allow_pickle=True)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"", "x is no array"),
        (b"text", "x is no array"),
        (b"\x80\x04N.", "x is no array"),
        (npy(version=b"\x03\x00", numbers=bytes(12)), "x is no array"),
        (npy()[:9], "unpack requires"),
        (npy(shape="(3,)", numbers=bytes(11)), r"float32 of shape \(3,\), which is 12 bytes, but it has 11"),
        (npy(shape="(3,)", numbers=bytes(13)), "which is 12 bytes, but it has 13"),
        (npy(shape=f"({10**30},)"), "absurd header"),
        (npy(shape=f"({10**15}, {10**15})"), "but it has 0"),
        (npy(shape=f"({'9' * 3000}, {'9' * 900})"), "absurd header"),
        (npy(shape=f"(0, {10**30})"), "absurd header"),
        (npy(shape=f"({'1, ' * 70})", numbers=bytes(4)), "absurd header"),
        (npy(shape="(-3,)"), "no array of plain"),
        (npy(shape="(3 3,)"), "header that cannot be understood"),
        (npy(shape="(__import__('os'),)"), "no array of plain"),
        (npy(shape="(" * 3000), "no array of plain"),
        (npy(shape="(3,)" + " " * 5000, numbers=bytes(12)), "no array of plain"),
        (npy(descr="<f3"), "header that cannot be understood"),
        (npy(descr="<U999999999"), "cannot be understood|but it has"),
        (npy(descr="<U0"), "absurd header"),
        (npy(descr=[("a", "<f4")]), "no array of plain"),
        (npy(descr="|O"), "Python objects.*allow_pickle=True"),
        (OBJECTS.getvalue(), "Python objects.*allow_pickle=True"),
        (npy(version=b"\x02\x00")[:8] + b"\xff\xff\xff\xff", "no array of plain"),
    ],
)
def test_a_member_that_is_no_plain_array(member, message):
    with pytest.raises(ValueError, match=message):
        read(archive(("x.npy", member)))


def test_a_header_of_version_2():
    np.testing.assert_array_equal(read(archive(("x.npy", npy(version=b"\x02\x00", numbers=bytes(12))))), np.zeros(3))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_is_noticed(save):
    content = bytearray(npz(save, x=np.random.default_rng(0).standard_normal(50)).getvalue())
    content[content.index(b"'shape'") + 300 if save is np.savez else 200] ^= 1
    with pytest.raises(ValueError, match=r"Bad CRC-32|decompress|ends early"):
        read(io.BytesIO(content))
