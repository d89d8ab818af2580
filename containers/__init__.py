"""Apptainer recipes of the processing pipelines. This room has no commands yet."""
