"""Files of any kind to pages; what cannot be read comes as a record of its own."""
