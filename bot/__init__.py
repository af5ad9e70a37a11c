"""Listens, decides, delivers. The composition root and the command line live here."""
