"""Configurations: YAML read with file and line of every error, and the keys there are."""
