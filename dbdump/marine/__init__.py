"""Marine science: NetCDF files by the CF and ACDD conventions from the tables of an image, as a mapping says."""
