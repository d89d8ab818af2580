"""Checks recipes without building them: form, shell, pinned inputs, and nothing of the machine left in the text."""
