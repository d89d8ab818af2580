"""Tables that belong to a published event list: effective area, acceptance, background, point spread function."""
