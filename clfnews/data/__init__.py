"""The labelled data: read, checked, counted, described by its card, and composed from parts."""
