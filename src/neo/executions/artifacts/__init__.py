"""What the calls of an execution brought, listed, each with a signed URL to its bytes."""
