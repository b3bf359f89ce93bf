"""Where uploaded bytes are kept: a folder, Azure Blob, S3 or Google Cloud Storage."""
