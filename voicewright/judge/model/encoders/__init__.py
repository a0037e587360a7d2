"""Models that read pairs of texts."""
