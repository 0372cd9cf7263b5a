"""HTML documents to pages: the lines that a reader can see, with what the markup says about them."""
