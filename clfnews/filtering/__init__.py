"""The trained filter: lines are tagged first, and kept or dropped by a decision on the tags."""
