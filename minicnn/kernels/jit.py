"""How every kernel is compiled."""

from numba import njit

# nogil: slices of a batch run in several threads at once. cache: compiled once per machine, not once per run.
# fastmath: sums may be reordered for SIMD; NaN and infinity keep their meaning, so that a diverged run is seen.
kernel = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
