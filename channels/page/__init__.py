"""The visitor's web page: its two documents, its style and its scripts."""
