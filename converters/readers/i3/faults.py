"""What can be wrong with the bytes of an `.i3` file; the reader turns these into errors for the user."""


class FormatError(Exception):
    """Bytes that are not what the format demands."""


class UnknownLayoutError(Exception):
    """A class, or a version of a class, whose layout is not known here: the object can only be skipped."""
