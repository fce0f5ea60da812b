"""One file a decomposition; discovered, not listed."""
