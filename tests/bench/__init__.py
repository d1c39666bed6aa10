"""The benchmarks, as far as they count; times are nobody's business here."""
