"""Scores with intervals, predictions that are kept, and two runs or filters compared."""
