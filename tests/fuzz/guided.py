"""A fuzzer that is guided by coverage: it keeps the mutants that reach new code, and goes on from them.

    pip install atheris
    PYTHONPATH=. python tests/fuzz/guided.py checkpoint -max_total_time=600
    PYTHONPATH=. python tests/fuzz/guided.py dataset -max_total_time=600

It stops at the first error that is no ValueError, at 1 GB of memory, and at a file that takes 10 seconds, and leaves
the file in question. Checksums are switched off: an attacker would write the right ones, and a fuzzer would never get
past them. Options after the first word are libFuzzer's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["minicnn.checkpoint", "minicnn.safe_npz", "minicnn.datasets", "zipfile"]):
    import zipfile

    import seeds

    from minicnn.checkpoint import reader


def main() -> None:
    """Fuzz until an error or the end of the time."""
    what = sys.argv.pop(1)
    zipfile.ZipExtFile._update_crc = lambda self, data: None
    reader._check_checksums = lambda arrays, checksums: None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        makers = [seeds.dataset_file] if what == "dataset" else [seeds.run_file, seeds.format_1_file]
        for make in makers:
            (corpus / make.__name__).write_bytes(make(folder))
        open_file = seeds.dataset_opener(folder) if what == "dataset" else seeds.open_checkpoint
        options = ["-rss_limit_mb=1000", "-timeout=10", "-max_len=20000", str(corpus)]
        atheris.Setup([*sys.argv, *options], lambda content: open_file(content) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
