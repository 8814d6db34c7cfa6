"""Fuzzing of the files that minicnn reads: mutated by the thousand in test_fuzz.py, guided by coverage in guided.py."""
