"""The object store: keys, an S3 client, records changed by compare-and-swap."""
