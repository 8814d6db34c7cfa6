"""minicnn: a small convolutional-network framework in NumPy and Numba for people who study backprop on a laptop.

The public names are below. Each is loaded when first used, so that `import minicnn` is quick and brings neither Numba
nor Matplotlib with it.

>>> import minicnn as mc
>>> data = mc.datasets.load("digits").subset(train=300, test=100)
>>> model = mc.Sequential([mc.Conv2D(8, 3), mc.ReLU(), mc.Flatten(), mc.Dense(10)], data.image_shape, seed=0)
>>> history = mc.fit(model, data.train, loss=mc.SoftmaxCrossEntropy(), optimizer=mc.SGD(0.1, momentum=0.9), epochs=5)
>>> model.evaluate(data.test, mc.SoftmaxCrossEntropy())["accuracy"] > 0.8
True
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import (
        augment,
        callbacks,
        datasets,
        experiments,
        functional,
        gradcheck,
        initializers,
        layers,
        lesson,
        losses,
        optimizers,
        plots,
        results,
        schedules,
    )
    from .checkpoint import load, load_run, save
    from .finite import NonFiniteError
    from .history import History
    from .layers import (
        AvgPool2D,
        BatchNorm,
        Conv2D,
        Dense,
        Dropout,
        Flatten,
        GlobalAvgPool2D,
        LeakyReLU,
        MaxPool2D,
        ReLU,
        Sigmoid,
        Softmax,
        SpatialDropout2D,
        Tanh,
    )
    from .losses import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy
    from .model import Sequential
    from .optimizers import SGD, Adam, AdamW, RMSProp
    from .resume import RunFile
    from .training import fit

_HOME = {
    "layers": (
        *("Conv2D", "MaxPool2D", "AvgPool2D", "GlobalAvgPool2D", "BatchNorm", "Dropout", "SpatialDropout2D"),
        *("Dense", "Flatten", "ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Softmax"),
    ),
    "losses": ("SoftmaxCrossEntropy", "BinaryCrossEntropy", "MeanSquaredError"),
    "optimizers": ("SGD", "RMSProp", "Adam", "AdamW"),
    "model": ("Sequential",),
    "history": ("History",),
    "training": ("fit",),
    "resume": ("RunFile",),
    "finite": ("NonFiniteError",),
    "training_warning": ("TrainingWarning",),
    "checkpoint": ("save", "load", "load_run"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
_MODULES = (
    "augment",
    "callbacks",
    "datasets",
    "experiments",
    "functional",
    "gradcheck",
    "initializers",
    "layers",
    "lesson",
    "losses",
    "optimizers",
    "plots",
    "results",
    "schedules",
)

__all__ = [*_MODULE_OF, *_MODULES]


def __getattr__(name: str):
    """Load a public name at its first use."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name in _MODULE_OF:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        return value
    raise AttributeError(f"minicnn has no {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
