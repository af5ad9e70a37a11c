"""Secrets: sealing to staff keys, the service key ring and the audit chain."""
