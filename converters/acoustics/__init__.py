"""Acoustic recordings of KM3NeT: raw binary files to WAV, MP3, spectra and descriptions."""
