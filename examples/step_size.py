"""How large should the step of a numeric derivative be?
=====================================================

Error against step size, in float32 and in float64::

    one-sided    (f(x + h) - f(x)) / h              off by  h/2 f''    + noise of f / h
    central      (f(x + h) - f(x - h)) / 2h         off by  h^2/6 f''' + noise of f / h
    Richardson   (4 central(h/2) - central(h)) / 3  off by  h^4 ...    + noise of f / h

Large steps suffer from the formula, small ones from rounding. minicnn's checker takes the last rule and looks for its
valley, entry by entry. Run it: ``python examples/step_size.py``
"""

import argparse

import numpy as np

H = 2.0 ** -np.arange(0, 51, dtype=float)  # powers of two: x + h is exact as long as the number type can hold it
POINTS = np.linspace(0.3, 1.3, 21)  # the median over several points: a single one may be lucky
COLOURS = {"one-sided": "#86bbd8", "central": "#33658a", "Richardson": "#d1495b"}


def f(x):
    return np.exp(np.sin(x))


def derivative(x):
    return np.cos(x) * np.exp(np.sin(x))


def one_sided(x, h):
    return (f(x + h) - f(x)) / h


def central(x, h):
    return (f(x + h) - f(x - h)) / (h + h)


def richardson(x, h):
    return (4 * central(x, h / 2) - central(x, h)) / 3


RULES = {"one-sided": one_sided, "central": central, "Richardson": richardson}


def errors(rule, dtype):
    """Median relative error over the points, for each step size."""
    x, h = POINTS.astype(dtype)[:, None], H.astype(dtype)[None, :]
    truth = derivative(x.astype(np.float64))
    return np.median(abs(rule(x, h) - truth) / abs(truth), axis=0)


def draw(path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained", dpi=110)
    for ax, dtype in zip(figure.subplots(1, 2, sharex=True, sharey=True), (np.float32, np.float64), strict=True):
        for name, rule in RULES.items():
            found = errors(rule, dtype)
            seen = found > 0
            ax.loglog(H[seen], found[seen], color=COLOURS[name], label=name, linewidth=1.6)
        ax.axhline(1e-7, color="#999999", linewidth=0.8, linestyle=":")
        ax.set(title=np.dtype(dtype).name, xlabel="step h", ylim=(1e-16, 10))
        ax.grid(alpha=0.25)
    left = figure.axes[0]
    left.set_ylabel("relative error of the derivative")
    left.annotate("1e-7", (H[0], 1e-7), (0, 3), textcoords="offset points", ha="right", color="#777777", fontsize=8)
    figure.axes[1].legend(frameon=False, loc="lower left")
    figure.savefig(path)
    print(f"Figure {path}")


def main(argv=None):
    parser = argparse.ArgumentParser(description="The error of a numeric derivative against its step.")
    parser.add_argument("--figure", metavar="FILE", default="step_size.png", help="(%(default)s)")
    options = parser.parse_args(argv)
    print("derivative of exp(sin x)     best step    error there")
    for dtype in (np.float32, np.float64):
        for name, rule in RULES.items():
            found = errors(rule, dtype)
            best = np.nanargmin(found)
            print(f"{np.dtype(dtype).name}  {name:<12}     {H[best]:12.1e}   {found[best]:12.1e}")
    draw(options.figure)


if __name__ == "__main__":
    main()
