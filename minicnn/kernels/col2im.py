"""Add the columns of image patches back to the pixels they were copied from."""

from .jit import kernel


@kernel
def col2im(dcols, drows, stride_i, stride_j, dilation_i):
    """Add dcols[n, i, j, ki, r] to drows[n, i*stride_i + ki*dilation_i, j*stride_j + r].

    `drows` is (N, H, W*C), so that the KW*C numbers r of one kernel row lie side by side; `stride_j` counts numbers,
    not pixels. The loops run in the order in which `dcols` lies in memory: it is the larger array. A pixel lies in
    several patches; its gradient is the sum over them, hence += and never =.
    """
    N, OH, OW, KH, R = dcols.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for ki in range(KH):
                    for r in range(R):
                        drows[n, i * stride_i + ki * dilation_i, j * stride_j + r] += dcols[n, i, j, ki, r]
