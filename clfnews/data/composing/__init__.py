"""composing."""
