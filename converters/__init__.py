"""Readers of ANTARES formats, writers of products, and the line between them."""
