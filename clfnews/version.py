"""The version of the package; a leaf, so that nothing imports the face for it."""

__version__ = "0.1.0"
