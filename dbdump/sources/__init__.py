"""Databases that can be dumped: one file or folder for every kind of server."""
