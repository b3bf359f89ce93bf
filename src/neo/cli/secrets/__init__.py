"""`neo secrets`: what the tenants' secrets are sealed with."""
