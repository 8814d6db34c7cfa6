"""`minicnn gradcheck FILE.py:forward,backward`: a file of one's own from the command line, and its inputs' grammar."""

import json
import textwrap

import numpy as np
import pytest

from minicnn import cli
from minicnn.commands.inputs import InputError, read_hints, read_input

MINE = textwrap.dedent(
    """
    import numpy as np

    from beside import half

    def forward(x, w, b=None, *, scale=1.0, mode="same"):
        y = scale * (x @ w)
        return (y if b is None else y + b), (x, w, b, scale)

    def backward(dy, cache):
        x, w, b, scale = cache
        gradients = scale * dy @ w.T, scale * x.T @ dy
        return gradients if b is None else (*gradients, dy.sum(axis=0))

    def wrong(dy, cache):
        dx, dw, *db = backward(dy, cache)
        return dx, half(dw), *db

    def broken(dy, cache):
        return dy @ cache[0]

    def talkative(dy, cache):
        print("{not JSON")
        return backward(dy, cache)

    def dropout(x, rate, rng):
        mask = (rng.random(x.shape) >= rate) / (1 - rate)
        return x * mask, mask
    """
)
INPUTS = ("--input", "x=normal(4,5)", "--input", "w=uniform(-1, 1, 5, 3)")


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "beside.py").write_text("def half(a):\n    return a / 2\n")
    return tmp_path / "mine.py"


def run(capsys, *arguments):
    """Run the command in this process: exit status, what it printed, what it complained of."""
    try:
        status = cli.main(["gradcheck", *map(str, arguments)])
    except SystemExit as exit:  # argparse's way
        status = exit.code
    return status, *capsys.readouterr()


# ---- the command ----


def test_right_functions_pass_with_status_0(capsys, mine):
    status, out, err = run(capsys, f"{mine}:forward,backward", *INPUTS)
    assert status == 0 and err == "" and out.startswith("Gradient check of forward and backward in mine.py: passed")
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["x", "w"]


def test_wrong_functions_fail_with_status_1_and_the_report(capsys, mine):
    status, out, err = run(capsys, f"{mine}:forward,wrong", *INPUTS, "--input", "b=ones(3)", "--input", "scale=2.0")
    assert status == 1 and err == ""
    assert "FAILED" in out and "Worst entries of w (15 of 15 are wrong)" in out and ", w: " in out


def test_the_report_as_json_and_as_a_figure(capsys, mine, tmp_path):
    status, out, _ = run(capsys, f"{mine}:forward,wrong", *INPUTS, "--json", "--plot", tmp_path / "report.png")
    data = json.loads(out)
    assert status == 1 and data["passed"] is False and [a["name"] for a in data["arguments"]] == ["x", "w"]
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
    status, out, err = run(capsys, f"{mine}:forward,talkative", *INPUTS, "--json")
    assert status == 0 and json.loads(out)["passed"] and "{not JSON" in err


def test_inputs_may_come_in_any_order_and_randomness_is_wound_back(capsys, mine):
    (mine.parent / "mine.py").write_text(MINE + "\ndef dropped(dy, mask):\n    return dy * mask\n")
    arguments = ("--input", "rng=seed(3)", "--input", "x=normal(4, 5)", "--input", "rate=0.4")
    status, out, _ = run(capsys, f"{mine}:dropout,dropped", *arguments, "--seed", 5, "--hints", "dropout(rate=0.4)")
    assert status == 0, out


def test_the_seed_and_the_tolerance_count(capsys, mine):
    largest = []
    for options in ((), ("--seed", 1), ("--seed", 1)):
        out = run(capsys, f"{mine}:forward,wrong", *INPUTS, "--json", *options)[1]
        largest.append(json.loads(out)["arguments"][1]["worst"][0]["numeric"])
    assert largest[0] != largest[1] == largest[2]
    assert run(capsys, f"{mine}:forward,wrong", *INPUTS, "--tolerance", 0.6)[0] == 0


def test_arguments_of_every_kind(capsys, mine):
    mine.write_text(
        MINE
        + textwrap.dedent(
            """
            from dataclasses import dataclass

            @dataclass
            class Cache:
                x: np.ndarray
                w: np.ndarray

            def gap(x, b=None, w=None):
                return x @ w, Cache(x, w)

            def gap_backward(dy, c):
                return dy @ c.w.T, None, c.x.T @ dy

            def product(*factors):
                return factors[0] @ factors[1], factors

            def product_backward(dy, factors):
                x, w = factors
                return dy @ w.T, x.T @ dy
            """
        )
    )
    for pair in ("gap,gap_backward", "product,product_backward"):
        status, out, err = run(capsys, f"{mine}:{pair}", *INPUTS, "--json")
        assert status == 0, err
        assert [a["name"] for a in json.loads(out)["arguments"]] == ["x", "w"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere.py:f,g",), "there is no file nowhere.py"),
        (("MINE",), "takes FILE.py:forward,backward"),
        (("MINE:forward",), "takes FILE.py:forward,backward"),
        (("MINE:forward,back", *INPUTS), "has no function back; it has forward, backward, wrong"),
        (
            ("MINE:forward,backward", "--input", "x=normal(4,5)"),
            "mine.py:forward needs an input for w; it takes x, w, b",
        ),
        (("MINE:forward,backward", *INPUTS, "--input", "v=zeros(3)"), "has no input v"),
        (("MINE:forward,backward", *INPUTS, "--input", "x=zeros(3)"), "given twice"),
        (("MINE:forward,backward", "--input", "x=norm(4)"), "'x=norm(4)' is no value. Values are normal(4, 5)"),
        (("MINE:forward,broken", *INPUTS), "`return dy @ cache[0]`, raised\nValueError: matmul"),
        (("MINE:forward,backward", "--input", "x=normal(4, 5)", "--input", "w=normal(4, 3)"), "line 7 of"),
        (("MINE:forward,backward", *INPUTS, "--plot", "/nowhere/at/all.png"), "cannot write the figure"),
        (("MINE:forward,backward", *INPUTS, "--hints", "conv2d(2)"), "hints name an operation"),
        (("MINE:forward,backward", *INPUTS, "--tolerance", "0"), "tolerance"),
        (("--input", "x=normal(4)"), "--input needs functions of your own"),
        (("--json",), "--json needs functions of your own"),
    ],
)
def test_what_cannot_be_used_ends_with_status_2_and_what_to_do(capsys, mine, arguments, message):
    status, out, err = run(capsys, *(a.replace("MINE", str(mine)) for a in arguments))
    assert status == 2 and out == "" and err.startswith("minicnn gradcheck: ")
    assert message in err and "Traceback" not in err


@pytest.mark.parametrize(("text", "message"), [("def f(:", "cannot be read"), ("1 / 0", "ZeroDivisionError")])
def test_a_file_that_does_not_run(capsys, tmp_path, text, message):
    (tmp_path / "bad.py").write_text(text)
    status, _, err = run(capsys, f"{tmp_path}/bad.py:f,g")
    assert status == 2 and message in err and "Traceback" not in err


# ---- the grammar ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n=3", 3),
        ("rate = 0.25", 0.25),
        ("low=-1e-6", -1e-6),
        ("mode='same'", "same"),
        ("b=None", None),
        ("flag=True", True),
        ("pad=(1, 2)", (1, 2)),
        ("stride=2 * 2", 4),
    ],
)
def test_constants(text, expected):
    name, value = read_input(text)
    assert name == text.partition("=")[0].strip() and value == expected and type(value) is type(expected)


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("x=normal(4, 5)", (4, 5), float),
        ("x=normal((4, 5))", (4, 5), float),
        ("x=uniform(-1, 1, 7)", (7,), float),
        ("x=integers(0, 10, 2, 3)", (2, 3), int),
        ("x=zeros(3)", (3,), float),
        ("x=ones(2,2)", (2, 2), float),
        ("x=[0, 2, 1]", (3,), int),
        ("x=[[1.5, 2], [3, 4]]", (2, 2), float),
        ("x=1e3 * normal(4, 5) + 2", (4, 5), float),
    ],
)
def test_arrays(text, shape, dtype):
    array = read_input(text)[1]
    assert array.shape == shape and array.dtype == np.dtype(dtype)


def test_ranges_scales_and_seeds():
    x = read_input("x=uniform(-2, 3, 1000)")[1]
    assert -2 <= x.min() < -1.9 and 2.9 < x.max() <= 3
    assert set(read_input("n=integers(3, 6, 100)")[1]) == {3, 4, 5}
    moved, plain = read_input("x=2 * normal(50) - 1")[1], read_input("x=normal(50)")[1]
    np.testing.assert_allclose(moved, 2 * plain - 1)
    assert not np.array_equal(read_input("x=normal(5)", 1)[1], read_input("x=normal(5)", 2)[1])
    assert not np.array_equal(read_input("x=normal(5)")[1], read_input("w=normal(5)")[1])  # a stream of its own
    assert read_input("rng=seed(4)")[1].random() == np.random.default_rng(4).random()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "=3",
        "1x=3",
        "x=",
        "x=normal",
        "x=normal()",
        "x=normal(0)",
        "x=normal(2.5)",
        "x=normal(-1)",
        "x=normal(True)",
        "x=normal(shape=3)",
        "x=normal(10**9)",
        "x=normal(100000, 100000)",
        "x=uniform(1, 2)",
        "x=uniform('a', 2, 3)",
        "x=integers(5, 5, 3)",
        "x=seed()",
        "x=seed(-1)",
        "x=[[1], [2, 3]]",
        "x=['a']",
        "x='a' * 3",
        "x=2 ** 3",
        "x=__import__('os').system('true')",
        "x=open('file')",
        "x=(lambda: 3)()",
        "x=[i for i in (1, 2)]",
        "x=numpy.ones(3)",
        "x=normal(4); import os",
        "x=\0",
    ],
)
def test_nothing_else_has_a_meaning(text):
    with pytest.raises(InputError, match=r"NAME=VALUE|Values are normal"):
        read_input(text)


def test_hints():
    assert read_hints("conv2d") == {"operation": "conv2d"}
    assert read_hints("conv2d(stride=(1, 2), padding='same')") == {
        "operation": "conv2d",
        "stride": (1, 2),
        "padding": "same",
    }
    for text in ("conv2d(2)", "3", "a.b", "conv2d(", "os.system('x')"):
        with pytest.raises(InputError):
            read_hints(text)
