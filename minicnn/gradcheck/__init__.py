"""Check a backward pass against numeric derivatives, and its manners on the way.

    from minicnn import gradcheck

    report = gradcheck.check(my_forward, my_backward, (x, w, b))
    print(report)

`check` takes two functions on NumPy arrays that need know nothing of minicnn, `check_closure` two without a cache;
`check_layer`, `check_loss` and `check_model` take objects. `trace` takes a backward pass in steps and says which is the
first wrong one, and `assert_gradients` is the check as a line of a test. Where to read on:

    check.py                    the comparison
    numeric.py noise.py         how a derivative is measured, and how well
    pair.py conduct.py          the two functions as the checker calls them, and what they must do besides being right
    diagnose.py candidates.py   from numbers to findings; explanations come from
        signatures/             the numbers alone
        operations/             what the operation seems to be, and the usual mistakes in it
    report.py text.py advice.py html.py figure.py colour.py    how it is told
    objects.py whole_model.py closure.py assertion.py    other ways to call it
    trace.py tapped.py lines.py trace_report.py    a backward pass in steps, and the first wrong one

>>> from minicnn import gradcheck
>>> gradcheck.check(lambda x: (np.sin(x), x), lambda dy, x: dy * np.cos(x), (np.array([0.1, 2.0]),)).passed
True
"""

from .assertion import assert_gradients
from .check import check
from .closure import check_closure
from .objects import check_layer, check_loss
from .report import ArgumentReport, Finding, GradientError, Report
from .trace import trace
from .trace_report import Trace
from .whole_model import check_model

__all__ = [
    "ArgumentReport",
    "Finding",
    "GradientError",
    "Report",
    "Trace",
    "assert_gradients",
    "check",
    "check_closure",
    "check_layer",
    "check_loss",
    "check_model",
    "trace",
]
