"""The audit log: who changed what, for which tenant. It is only ever added to."""
