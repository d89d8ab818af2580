"""Parts of the reader of KM3NeT/aanet offline ROOT files."""
