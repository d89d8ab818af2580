"""Classes of ANTARES' SeaTray itself. None has a public layout; ``docs/add-an-i3-class.md`` says how to add one."""

from converters.readers.i3.classes.extended import Extension

ANTARES: tuple[Extension, ...] = ()
