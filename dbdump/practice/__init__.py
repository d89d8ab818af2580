"""A synthetic environmental database of the shape that ANTARES' has, to practise on and to test with.

The tables of ANTARES' own database are not public: names, columns and values here are ours. Values are plausible for
the site (2475 m deep, off Toulon) and are no measurements.
"""

from dbdump.practice.writing import write_practice_database

__all__ = ["write_practice_database"]
