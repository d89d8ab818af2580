"""SQLite files from the Parquet parts of an image."""
