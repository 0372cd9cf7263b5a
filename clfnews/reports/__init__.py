"""What came out, for people: tables, figures, model cards, the HTML report, the index of experiments."""
