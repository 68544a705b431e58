"""Figures, tables and text of results."""
