"""Ten wrong backward passes before three gradient checkers
========================================================

What does each say? Run it: ``python examples/compare_checkers.py`` ::

    PyTorch    torch.autograd.gradcheck, with the pair inside a torch.autograd.Function; left out where it is missing
    CS231n     the course's numeric gradient (h = 1e-5, random dy) and its largest relative error, for each argument
    minicnn    gradcheck.check
"""

import platform
import textwrap
from importlib import import_module, util

import numpy as np
from ten_mistakes import MISTAKES

from minicnn import gradcheck

torch = import_module("torch") if util.find_spec("torch") else None


def probe(forward, backward, arguments):
    """A random dy, and the gradients that belong to it; None for data."""
    y, cache = forward(*arguments)
    dy = np.random.default_rng(1).normal(size=np.shape(y))
    return dy, as_tuple(backward(dy, cache))


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def by_pytorch(forward, backward, arguments):
    given = [g is not None for g in probe(forward, backward, arguments)[1]]
    tensors = [torch.tensor(a, requires_grad=True) for a, wanted in zip(arguments, given, strict=False) if wanted]

    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            y, ctx.cache = forward(*(t.numpy() for t in tensors), *arguments[len(tensors) :])
            return torch.as_tensor(y)

        @staticmethod
        def backward(ctx, dy):
            return tuple(torch.as_tensor(g) for g in as_tuple(backward(dy.numpy(), ctx.cache)) if g is not None)

    try:
        torch.autograd.gradcheck(Pair.apply, tensors)
    except RuntimeError as error:  # its GradcheckError
        first, *numbers = str(error).strip().splitlines()
        return f"{first.rstrip(',')} (and {len(numbers)} lines of numbers)"
    return "passed"


def by_cs231n(forward, backward, arguments, h=1e-5):
    (dy, gradients), errors = probe(forward, backward, arguments), []
    for x, analytic in zip(arguments, gradients, strict=False):
        if analytic is not None:
            numeric = np.zeros_like(x)
            for k in np.ndindex(x.shape):
                here = x[k]
                x[k] = here + h
                above = forward(*arguments)[0]
                x[k] = here - h
                numeric[k] = np.sum((above - forward(*arguments)[0]) * dy) / (2 * h)
                x[k] = here
            relative = np.abs(analytic - numeric) / np.maximum(1e-8, np.abs(analytic) + np.abs(numeric))
            errors.append(f"{relative.max():.1e}")
    return f"relative error {', '.join(errors)}"


def by_minicnn(forward, backward, arguments):
    findings = gradcheck.check(forward, backward, arguments).findings
    return " ".join(f"{f.code}, {f.argument}: {f.message}" for f in findings) or "passed"


def main():
    print(f"Python {platform.python_version()}, NumPy {np.__version__},", end=" ")
    print(f"PyTorch {torch.__version__}" if torch else "PyTorch is not installed: without its lines")
    checkers = {"PyTorch": by_pytorch, "CS231n": by_cs231n, "minicnn": by_minicnn}
    for number, (what, *pair) in enumerate(MISTAKES, 1):
        print(f"\n{number}. {what}")
        for name, checker in list(checkers.items())[torch is None :]:
            print(textwrap.fill(checker(*pair), 100, initial_indent=f"   {name:<9}", subsequent_indent=" " * 12))


if __name__ == "__main__":
    main()
