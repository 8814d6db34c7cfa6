"""One picture file, whatever it is, as a small picture of three colours.

1. The file is opened as one of `FORMATS`, whatever its name says. (Pillow knows more; to read some of them it starts
   other programs.)
2. A picture of more pixels than Pillow thinks safe is refused before it is unpacked: a small file may hold a giant.
3. It is turned upright as its EXIF orientation says.
4. Pixels become 8 bits of red, green and blue: 16-bit ones are divided by 257, transparent ones lie on white.
5. It is squeezed to the size wanted; the aspect ratio is not kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
SUFFIXES = frozenset(
    {
        *(".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
        *(".avif", ".heic", ".heif"),  # not read here, but people who have them should be told so
    }
)
RESIZE = ("antialiased", "nearest")
JPEG_MARGIN = 4  # a JPEG may be decoded at a fraction of its size, but not at less than so many times the size wanted
SIXTEEN_TO_EIGHT_BITS = 257  # 65535 / 255


def read_picture(file: Path, size: tuple[int, int], resize: str) -> np.ndarray:
    """Decode one picture.

    Parameters
    ----------
    file : pathlib.Path
    size : (height, width), in pixels
    resize : "antialiased" or "nearest"
        Each pixel the mean of those it stands for (weighted, triangular), or the one in their middle.

    Returns
    -------
    pixels : uint8 array, shape (height, width, 3)

    Raises
    ------
    Exception
        Nearly every type there is: decoders are not choosy when a file is broken.
    """
    from PIL import Image, UnidentifiedImageError  # few runs need it

    height, width = size
    try:
        opened = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(f"no picture of the kinds read here: {', '.join(FORMATS)}") from error
    with opened:
        if Image.MAX_IMAGE_PIXELS and opened.width * opened.height > Image.MAX_IMAGE_PIXELS:
            raise ValueError(
                f"its {opened.width}x{opened.height} pixels are more than the {Image.MAX_IMAGE_PIXELS:,} that Pillow "
                f"thinks safe to unpack; make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS"
            )
        if resize == "antialiased":
            side = JPEG_MARGIN * max(height, width)
            opened.draft(None, (side, side))
        opened.load()
        pixels = _three_colours(_eight_bits(_upright(opened), opened.format))
    way = Image.Resampling.NEAREST if resize == "nearest" else Image.Resampling.BILINEAR
    return np.asarray(pixels.resize((width, height), way))


def _upright(picture: Picture) -> Picture:
    """Turn the picture as its EXIF orientation says; a note that cannot be read is no reason to do without it."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # nearly every type there is
        return picture


def _eight_bits(picture: Picture, kind: str) -> Picture:
    """Divide the pixels of 16-bit grey pictures; refuse those of 32 bits, for which there is no agreed white."""
    if picture.mode[0] not in "IF":
        return picture
    if not (picture.mode.startswith("I;16") or (picture.mode == "I" and kind in ("PNG", "PPM"))):
        raise ValueError(f"pixels of mode {picture.mode} have no agreed white; save it with 8 or 16 bits a channel")
    from PIL import Image

    numbers = np.asarray(picture.convert("I"))
    rounded = (numbers + SIXTEEN_TO_EIGHT_BITS // 2) // SIXTEEN_TO_EIGHT_BITS
    return Image.fromarray(rounded.astype(np.uint8))


def _three_colours(picture: Picture) -> Picture:
    """Convert any 8-bit mode to RGB, on white where it is transparent."""
    from PIL import Image

    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")
