"""The dump itself: plan, workers, journal, and what is written at the end."""
