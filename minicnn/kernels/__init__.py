"""The hot loops, compiled by Numba: arrays in, arrays out, and no knowledge of layers.

Each function is one loop nest over arrays named as in the equations of the layer that calls it. With
`NUMBA_DISABLE_JIT=1` the same code runs as plain Python, for a debugger.
"""
