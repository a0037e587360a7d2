"""Brings text, as people write it and as recognisers write what was said, to one spelling."""
