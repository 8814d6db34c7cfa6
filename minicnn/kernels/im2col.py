"""Copy image patches into the rows of a column matrix, and add them back."""

from .jit import kernel


@kernel
def im2col(rows, cols, stride_i, stride_j, dilation_i):
    """cols[n, i, j, ki, r] = rows[n, i*stride_i + ki*dilation_i, j*stride_j + r].

    `rows` is (N, H, W*C), so that the KW*C numbers r of one kernel row lie side by side; `stride_j` counts numbers, not
    pixels. The loops run in the order in which `cols` lies in memory: it is the larger array.
    """
    N, OH, OW, KH, R = cols.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for ki in range(KH):
                    for r in range(R):
                        cols[n, i, j, ki, r] = rows[n, i * stride_i + ki * dilation_i, j * stride_j + r]


@kernel
def col2im(dcols, drows, stride_i, stride_j, dilation_i):
    """Add dcols[n, i, j, ki, r] to drows[n, i*stride_i + ki*dilation_i, j*stride_j + r], the reverse of `im2col`.

    A pixel lies in several patches; its gradient is the sum over them, hence += and never =.
    """
    N, OH, OW, KH, R = dcols.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for ki in range(KH):
                    for r in range(R):
                        drows[n, i * stride_i + ki * dilation_i, j * stride_j + r] += dcols[n, i, j, ki, r]
