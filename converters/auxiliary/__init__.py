"""Data beside the events: what their formats share, from the command line to the files written."""
