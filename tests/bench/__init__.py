"""Tests of the benchmarks, as far as they need no server."""
