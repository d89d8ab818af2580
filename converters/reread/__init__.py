"""A second, plain way to read each format, for `validate --source`.

Nothing here imports from `converters.readers`: two readers that share code would share its mistakes.
"""
