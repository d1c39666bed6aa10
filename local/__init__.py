"""The local pieces that dev.py, the demo, the tests and the benchmarks start."""
