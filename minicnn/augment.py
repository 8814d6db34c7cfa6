"""Augmentation: show training the same images changed a little, in a new way at every epoch.

    flip        y[i, j] = x[i, W - 1 - j]                               with some probability       (1)
    shift       y[i, j] = x[i + a, j + b]                               a, b from -k to k           (2)
    crop        y[i, j] = x[i + a, j + b]                               the window inside x         (3)
    cutout      y[i, j] = fill in a square around a random pixel        cut off at the border       (4)
    brightness  y = x + d white                                         d from -s to s              (5)
    contrast    y = m + f (x - m),  m the mean of the image             f from 1 - s to 1 + s       (6)

Each image of a batch has its own random numbers; its pixels all have the same ones. Outside the image (2) shows `fill`;
(5) and (6) keep pixels between black, 0, and white, which is 255 for whole numbers and 1 for floats.

    train = augment.Pipeline([augment.Flip(), augment.Shift(2), augment.Cutout(8)], seed=0)
    fit(model, data.train, augment=train, ...)

A step of one's own is any function `(images, rng) -> images`.

Sources: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012 (flip, crop);
DeVries & Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.

>>> from minicnn import augment
>>> train = augment.Pipeline([augment.Flip(), augment.Shift(2)], seed=0)
>>> train(np.zeros((20, 28, 28, 1)), epoch=0, batch=0).shape
(20, 28, 28, 1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .arguments import checked_count, checked_number
from .configured import Configured
from .kernels.augment import scale_pixels, translate

__all__ = ["Brightness", "Contrast", "Crop", "Cutout", "Flip", "Pipeline", "Shift", "Transform", "center_crop"]

MOST_PIXELS = 1 << 16  # of a shift: wider than any image, and what the random numbers can count

Step = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Pipeline(Configured):
    """Steps one after the other, with random numbers that depend on seed, epoch and batch only.

    Nothing has to be remembered between two batches: a run that goes on where it was cut off sees the same images, and
    so does one that reads ahead. The model's own random numbers, for dropout and shuffling, are left alone.

    Parameters
    ----------
    steps : sequence of function (images, rng) -> images
        Such as `[Flip(), Shift(2)]`.
    seed : int

    Examples
    --------
    >>> from minicnn import augment
    >>> train = augment.Pipeline([augment.Flip(), augment.Brightness(0.2)], seed=0)
    >>> images = np.random.default_rng(0).random((4, 8, 8, 1))
    >>> np.array_equal(train(images, epoch=3), train(images, epoch=3))  # the same in the same epoch
    True
    >>> np.array_equal(train(images, epoch=3), train(images, epoch=4))
    False
    """

    def __init__(self, steps: Sequence[Step], seed: int = 0):
        if not isinstance(steps, list | tuple) or not all(callable(step) for step in steps):
            raise TypeError(f"Pipeline takes a list such as [augment.Flip(), augment.Shift(2)], got {steps!r}.")
        classes = [step.__name__ for step in steps if isinstance(step, type)]
        if classes:
            raise TypeError(f"Pipeline takes objects, got the class {classes[0]}: write {classes[0]}(...).")
        self.steps, self.seed = list(steps), checked_count("Pipeline", "seed", seed, at_least=0)

    def __call__(self, images: np.ndarray, epoch: int = 0, batch: int = 0) -> np.ndarray:
        """Change the images of one batch.

        Parameters
        ----------
        images : array, shape (N, H, W, C)
            uint8, or floats; not modified.
        epoch, batch : int
            Numbers of the epoch, and of the batch in it.

        Returns
        -------
        images : array of the same dtype
        """
        epoch = checked_count("Pipeline", "epoch", epoch, at_least=0)
        batch = checked_count("Pipeline", "batch", batch, at_least=0)
        rng = np.random.Generator(np.random.SFC64([self.seed, epoch, batch]))
        for step in self.steps:
            images = step(images, rng)
            if not isinstance(images, np.ndarray):
                raise TypeError(
                    f"Each step must return an array of images, got a {type(images).__name__} from {step!r}."
                )
        return images


def check_pipeline(owner: str, pipeline: Callable | None) -> None:
    """See that `pipeline` can be called with a batch's images and numbers, or is None.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if pipeline is not None and (not callable(pipeline) or isinstance(pipeline, Transform | type)):
        raise TypeError(
            f"{owner} takes a pipeline such as augment.Pipeline([augment.Flip()]) as augment, got {pipeline!r}."
        )


class Transform(Configured):
    """The base of the steps: `apply` changes images that were checked.

    Examples
    --------
    >>> from minicnn.augment import Transform
    >>> class Invert(Transform):
    ...     def apply(self, images, rng):
    ...         return 1 - images
    >>> Invert()(np.zeros((1, 1, 2, 1)), np.random.default_rng(0)).ravel()
    array([1., 1.])
    """

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change the images.

        Parameters
        ----------
        images : uint8, float32 or float64 array, shape (N, H, W, C)
            Not modified.
        rng : numpy.random.Generator
            Where the random numbers come from.

        Returns
        -------
        images : array of the same dtype
        """
        name = type(self).__name__
        _check_images(name, images)
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"{name} takes a generator such as np.random.default_rng(0) as rng, got {rng!r}.")
        return self.apply(np.ascontiguousarray(images), rng)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The change itself; arguments as in the call."""
        raise NotImplementedError


class Flip(Transform):
    """Mirror images left to right, equation (1).

    Parameters
    ----------
    probability : float in [0, 1]
        With which an image is mirrored.

    Examples
    --------
    >>> from minicnn.augment import Flip
    >>> images = np.array([0.1, 0.2, 0.3]).reshape(1, 1, 3, 1)
    >>> Flip(probability=1)(images, np.random.default_rng(0)).ravel()
    array([0.3, 0.2, 0.1])
    """

    def __init__(self, probability: float = 0.5):
        self.probability = checked_number("Flip", "probability", probability, at_least=0, at_most=1)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Mirror some."""
        mirrored = rng.random(len(images)) < self.probability
        flipped = images.copy()
        flipped[mirrored] = images[mirrored, :, ::-1]  # (1)
        return flipped


class Shift(Transform):
    """Move images up or down and left or right, equation (2).

    Parameters
    ----------
    pixels : int
        By how many at most, in each direction.
    fill : float in [0, 1]
        What comes in from outside: 0 for black, 1 for white.

    Examples
    --------
    >>> from minicnn.augment import Shift
    >>> images = np.array([0.1, 0.2, 0.3]).reshape(1, 1, 3, 1)
    >>> Shift(1)(images, np.random.default_rng(9)).ravel()  # one to the left, this time
    array([0.2, 0.3, 0. ])
    """

    def __init__(self, pixels: int, fill: float = 0.0):
        self.pixels = checked_count("Shift", "pixels", pixels, at_least=0, at_most=MOST_PIXELS)
        self.fill = checked_number("Shift", "fill", fill, at_least=0, at_most=1)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Move all."""
        top, left = rng.integers(-self.pixels, self.pixels, (2, len(images)), endpoint=True)
        return _window(images, top, left, images.shape[1:3], self.fill)  # (2)


class Crop(Transform):
    """Cut out a window at a random place, equation (3).

    The images become smaller. To predict from images that were not cropped, take their middle: `center_crop`.

    Parameters
    ----------
    size : int or (height, width), in pixels

    Examples
    --------
    >>> from minicnn.augment import Crop
    >>> Crop(24)(np.zeros((20, 28, 28, 3)), np.random.default_rng(0)).shape
    (20, 24, 24, 3)
    """

    def __init__(self, size: int | tuple[int, int]):
        self.size = _pair("Crop", size)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Crop all."""
        room = _room("Crop", images, self.size)
        top, left = (rng.integers(0, most, len(images), endpoint=True) for most in room)
        return _window(images, top, left, self.size)  # (3)


def center_crop(images: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Cut out the middle of each image.

    Parameters
    ----------
    images : uint8, float32 or float64 array, shape (N, H, W, C)
    size : int or (height, width), in pixels

    Returns
    -------
    images : array, shape (N, height, width, C)
        A view of the same numbers.

    Raises
    ------
    TypeError, ValueError
        If these are no images, or the images are smaller.

    Examples
    --------
    >>> from minicnn.augment import center_crop
    >>> center_crop(np.arange(16.0).reshape(1, 4, 4, 1), 2).ravel()
    array([ 5.,  6.,  9., 10.])
    """
    _check_images("center_crop", images)
    height, width = size = _pair("center_crop", size)
    top, left = (room // 2 for room in _room("center_crop", images, size))
    return images[:, top : top + height, left : left + width]


class Cutout(Transform):
    """Blot out a square around a random pixel, equation (4): what is hidden there cannot be relied on.

    Parameters
    ----------
    size : int
        Side of the square, in pixels.
    fill : float in [0, 1]
        0 for black, 1 for white.

    Examples
    --------
    >>> from minicnn.augment import Cutout
    >>> Cutout(2)(np.ones((1, 4, 4, 1)), np.random.default_rng(0))[0, :, :, 0]
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [1., 0., 0., 1.],
           [1., 0., 0., 1.]])
    """

    def __init__(self, size: int, fill: float = 0.0):
        self.size = checked_count("Cutout", "size", size, at_least=1)
        self.fill = checked_number("Cutout", "fill", fill, at_least=0, at_most=1)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Blot a square out of each."""
        N, H, W, _ = images.shape
        top, left = (rng.integers(0, side, N) - self.size // 2 for side in (H, W))
        cut, fill = images.copy(), self.fill * _white(images)
        for image, i, j in zip(cut, top.tolist(), left.tolist(), strict=True):
            image[max(i, 0) : i + self.size, max(j, 0) : j + self.size] = fill  # (4)
        return cut


class Brightness(Transform):
    """Make images lighter or darker, equation (5).

    Parameters
    ----------
    strength : float in [0, 1]
        The most that is added or taken away, as a share of white.

    Examples
    --------
    >>> from minicnn.augment import Brightness
    >>> images = np.array([0.0, 0.5, 0.9]).reshape(1, 1, 3, 1)
    >>> Brightness(0.2)(images, np.random.default_rng(0)).ravel().round(3)  # every pixel by the same amount
    array([0.055, 0.555, 0.955])
    """

    def __init__(self, strength: float):
        self.strength = checked_number("Brightness", "strength", strength, at_least=0, at_most=1)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change each."""
        change = rng.uniform(-self.strength, self.strength, len(images)) * _white(images)
        return _scaled("Brightness", images, np.ones(len(images)), change)  # (5)


class Contrast(Transform):
    """Spread pixels away from their image's mean or draw them nearer to it, equation (6).

    Parameters
    ----------
    strength : float in [0, 1]
        The most by which the factor differs from 1.

    Examples
    --------
    >>> from minicnn.augment import Contrast
    >>> images = np.array([0.2, 0.5, 0.8]).reshape(1, 1, 3, 1)
    >>> Contrast(0.5)(images, np.random.default_rng(0)).ravel().round(3)
    array([0.159, 0.5  , 0.841])
    """

    def __init__(self, strength: float):
        self.strength = checked_number("Contrast", "strength", strength, at_least=0, at_most=1)

    def apply(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change each."""
        factor = rng.uniform(1 - self.strength, 1 + self.strength, len(images))
        mean = images.mean(axis=(1, 2, 3))
        return _scaled("Contrast", images, factor, (1 - factor) * mean)  # (6): f x + (1 - f) m


def _check_images(owner: str, images: np.ndarray) -> None:
    """See that these are images, a batch of them."""
    if not isinstance(images, np.ndarray):
        what = type(images).__name__
        raise TypeError(f"{owner} takes an array, got {what}; a slice of it may be one: images[:20].")
    if images.dtype not in (np.uint8, np.float32, np.float64):
        raise TypeError(f"{owner} takes uint8, float32 or float64, got {images.dtype}.")
    if images.ndim != 4:
        hint = " Add the batch axis with images[None]." if images.ndim == 3 else ""
        raise ValueError(f"{owner} takes images of shape (N, H, W, C), got {images.shape}.{hint}")


def _white(images: np.ndarray) -> int:
    return 255 if images.dtype == np.uint8 else 1


def _pair(owner: str, size: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width)."""
    sides = tuple(size) if isinstance(size, list | tuple) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"{owner} needs a number of pixels or a pair (height, width) as size, got {size!r}.")
    return tuple(checked_count(owner, "size", side, at_least=1) for side in sides)


def _room(owner: str, images: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """How far a window of `size` can move within the images, down and to the right."""
    room = images.shape[1] - size[0], images.shape[2] - size[1]
    if min(room) < 0:
        raise ValueError(f"{owner} needs images of at least {size[0]}x{size[1]}, got {images.shape[1:3]}.")
    return room


def _window(
    images: np.ndarray, top: np.ndarray, left: np.ndarray, size: tuple[int, int], fill: float = 0.0
) -> np.ndarray:
    """Cut a window out of each image, with its corner (top, left) at any place, (2) and (3)."""
    N, H, W, C = images.shape
    cut = np.empty((N, *size, C), images.dtype)
    rows, cut_rows = images.reshape(N, H, W * C), cut.reshape(N, size[0], size[1] * C)
    translate(rows, top, left * C, images.dtype.type(fill * _white(images)), cut_rows)
    return cut


def _scaled(owner: str, images: np.ndarray, factor: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Multiply and add, a number each an image, and keep pixels from black to white, (5) and (6)."""
    whole = images.dtype == np.uint8
    if not whole and images.size and not (images.min() >= 0 and images.max() <= 1):  # False for NaN too
        raise ValueError(
            f"{owner} takes pixels as uint8 or as floats from 0 to 1, got {images.min():.4g} to {images.max():.4g}. "
            "Change the images first, standardize them after."
        )
    number = np.float32 if whole else images.dtype.type
    N, H, W, C = images.shape
    changed = np.empty((N, H * W * C), images.dtype)
    scale_pixels(
        images.reshape(changed.shape),
        factor.astype(number),
        offset.astype(number),
        number(_white(images)),
        number(0.5 if whole else 0),
        changed,
    )
    return changed.reshape(images.shape)
