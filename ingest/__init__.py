"""Ingest of products into Rucio. This room has no commands yet."""
