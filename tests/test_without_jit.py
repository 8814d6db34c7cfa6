"""The kernels as plain Python, for a debugger, compute what the compiled ones compute."""

import os
import subprocess
import sys
from pathlib import Path


def test_common_tests_pass_with_numba_disabled():
    selection = "agrees_with_the_loops or tile"
    result = subprocess.run(
        [sys.executable, "-m", "pytest", Path(__file__).with_name("test_every_layer.py"), "-k", selection],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout


def test_kernels_are_plain_functions_then():
    code = "from minicnn.kernels.col2im import col2im; print(type(col2im).__name__)"
    for disabled, kind in (("0", "CPUDispatcher"), ("1", "function")):
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
        result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert result.stdout.strip() == kind, result.stderr
