"""Gyeot's own parts of the Rasa pipeline (Python 3.10)."""
