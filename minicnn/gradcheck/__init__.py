"""Check a backward pass against numeric derivatives, and its manners on the way.

    from minicnn import gradcheck

    report = gradcheck.check(my_forward, my_backward, (x, w, b))
    print(report)

`check` takes two functions on NumPy arrays that need know nothing of minicnn; `check_layer`, `check_loss` and
`check_model` take objects. Where to read on:

    numeric.py noise.py         how a derivative is measured, and how well
    pair.py                     the two functions as the checker calls them
    conduct.py                  what they must do besides being right
    check.py                    the comparison
    diagnose.py shapes.py       from numbers to findings
    report.py text.py figure.py  how it is told
    objects.py                  layers, losses and models as pairs of functions
"""

from .check import check
from .objects import check_layer, check_loss, check_model
from .report import ArgumentReport, Finding, GradientError, Report

__all__ = [
    "ArgumentReport",
    "Finding",
    "GradientError",
    "Report",
    "check",
    "check_layer",
    "check_loss",
    "check_model",
]
