"""Global attributes of a file: which ones a mapping sets, and which ones this program computes (ACDD 1.3, CF 1.8)."""

REQUIRED = ("title", "summary", "keywords")
"""ACDD recommends these highly, and only people know them."""
RECOMMENDED = (
    *("institution", "source", "references", "comment", "license", "project", "processing_level"),
    *("naming_authority", "acknowledgement", "creator_name", "creator_email", "creator_url"),
    *("publisher_name", "publisher_email", "publisher_url"),
)
"""ACDD and CF recommend these; those that a mapping does not set are named in the report."""
SETTABLE = (
    *REQUIRED,
    *RECOMMENDED,
    *("keywords_vocabulary", "program", "doi", "metadata_link", "product_version", "date_issued"),
    *("creator_type", "creator_institution", "publisher_type", "publisher_institution"),
    *("contributor_name", "contributor_role", "instrument", "instrument_vocabulary", "platform", "platform_vocabulary"),
    *("site_code", "platform_code", "wmo_platform_code", "sea_area", "principal_investigator"),
)
"""What a mapping may set."""
