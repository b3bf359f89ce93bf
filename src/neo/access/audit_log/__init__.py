"""The audit log over HTTP. The log itself is `neo.audit`."""
