"""Move images, and scale their pixels, each by numbers of its own."""

from .jit import kernel


@kernel
def translate(rows, top, left, fill, out):
    """out[n, i, r] = rows[n, i + top[n], r + left[n]] inside the image, `fill` outside.

    `rows` is (N, H, W*C), so that a row is one piece; `left` counts numbers, not pixels.
    """
    N, H, R = rows.shape
    for n in range(N):
        first = min(max(-left[n], 0), out.shape[2])
        stop = max(min(R - left[n], out.shape[2]), first)
        for i in range(out.shape[1]):
            row = out[n, i]
            if 0 <= i + top[n] < H:
                source, target = rows[n, i + top[n], first + left[n] : stop + left[n]], row[first:stop]
                for r in range(first):
                    row[r] = fill
                for r in range(len(target)):  # the loop over two whole slices becomes SIMD instructions
                    target[r] = source[r]
                for r in range(stop, len(row)):
                    row[r] = fill
            else:
                for r in range(len(row)):
                    row[r] = fill


@kernel
def scale_pixels(pixels, factor, offset, white, rounding, out):
    """out[n, k] = factor[n] * pixels[n, k] + offset[n], kept between 0 and `white`.

    `rounding` is added last: 0.5 rounds where `out` holds whole numbers, 0 does nothing where it does not.
    """
    black = offset.dtype.type(0)
    for n in range(pixels.shape[0]):
        for k in range(pixels.shape[1]):
            value = factor[n] * pixels[n, k] + offset[n]
            out[n, k] = min(max(value, black), white) + rounding
