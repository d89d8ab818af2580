"""The processing pipelines as Apptainer recipes: catalogue, lint, build, test, run, and what the last build said."""
