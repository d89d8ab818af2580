"""Databases as images of open files: dump, verify, query, and what is made of them for marine science."""
