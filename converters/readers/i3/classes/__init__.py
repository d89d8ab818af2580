"""Layouts of the classes, one file for each family; `converters.readers.i3.registry` lists them all.

Sources: icecube/icetray-public and claudiok/icetray-dataclasses (history from 2004), folder dataclasses. Which versions
were seen on real bytes is in ``docs/i3.md``.
"""
