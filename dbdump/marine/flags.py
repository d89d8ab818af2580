"""The quality flags of OceanSITES (data format reference manual, table of quality control flag values)."""

MEANINGS = {
    0: "no_qc_performed",
    1: "good_data",
    2: "probably_good_data",
    3: "bad_data_that_are_potentially_correctable",
    4: "bad_data",
    7: "nominal_value",
    8: "interpolated_value",
    9: "missing_value",
}
"""What each flag says; 5 and 6 are not used."""
UNKNOWN, BAD, MISSING = 0, 4, 9
FLAG_FILL = -128
"""_FillValue of variables with flags; it never occurs."""
