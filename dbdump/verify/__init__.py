"""Compares an image with its source, and with itself."""
