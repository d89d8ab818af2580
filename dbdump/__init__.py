"""Dump of the Oracle database. This room has no commands yet."""
