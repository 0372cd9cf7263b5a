"""What models see of a line: its characters and words, its place on the page, its markup, who acts on whom."""
