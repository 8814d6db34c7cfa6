"""12,000 mutated files: each is refused with ValueError, or is what it was; none costs memory.

tests/fuzz/guided.py does the same with a fuzzer that looks for new paths through the code.
"""

import tracemalloc
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from fuzz import mutations, seeds

CHECKPOINTS = [seeds.run_file, seeds.format_1_file]
MOST_MEMORY = 8 << 20  # bytes; the files have 13,000
WEIGH_EVERY = 10


@contextmanager
def little_memory(what):
    """See that the block needs little memory; watching every allocation makes it several times slower."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY, what
    finally:
        tracemalloc.stop()


def refused(open_file, spoil, content, number, original=None):
    """Open `number` mutants of a file; count the refused. Of `original`, the accepted must not differ."""
    count, rng = 0, np.random.default_rng(len(content))
    for k in range(number):
        mutant = spoil(content, rng)
        with little_memory(f"mutant {k}") if k % WEIGH_EVERY == 0 else nullcontext():
            arrays = open_file(mutant)
        count += arrays is None
        if arrays is not None and original is not None:
            assert arrays.keys() == original.keys(), f"mutant {k}"
            assert all(np.array_equal(arrays[name], original[name]) for name in original), f"mutant {k}"
    return count


@pytest.mark.slow
@pytest.mark.parametrize("seed", CHECKPOINTS)
def test_bytes_at_random(tmp_path, seed):
    """Whatever happens to the bytes of a checkpoint: it is refused, or nothing of it has changed."""
    content = seed(tmp_path)
    original = seeds.open_checkpoint(content)
    assert original is not None
    number = 3_500
    count = refused(seeds.open_checkpoint, mutations.spoil_bytes, content, number, original)
    assert number // 2 < count < number  # some bytes do not matter, such as a date


@pytest.mark.slow
@pytest.mark.parametrize("seed", CHECKPOINTS)
def test_parts_with_right_checksums(tmp_path, seed):
    number = 1_500
    count = refused(seeds.open_checkpoint, mutations.spoil_parts, seed(tmp_path), number)
    assert number // 2 < count < number


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [mutations.spoil_bytes, mutations.spoil_parts])
def test_data_sets(tmp_path, spoil):
    number = 1_000
    content = seeds.dataset_file(tmp_path)
    assert 0 < refused(seeds.dataset_opener(tmp_path), spoil, content, number) < number
