"""AntDST files: ROOT files with objects of the classes of the antdst library, as far as uproot decodes them.

**How AntDST files are laid out on disk is not public, and no such file was available.** What is known are the names
of the accessor functions that public code calls (mchadolias/preprocess-antares-dst:
extract_dst/src/ExtractAntDSTInfo.cc). A mapping file guesses at the names of the members behind them; a site that
knows better replaces it. That branches of split objects are read as they are meant was checked on files of KM3NeT,
whose classes are others.
"""
