"""Speed and memory of antares-legacy beside its peers, in one run: ``python -m benchmarks``."""
