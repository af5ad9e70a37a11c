"""One adapter per way in: verify, parse, send."""
