"""What to label next, labels to and from other tools, and how far two sets of labels agree."""
