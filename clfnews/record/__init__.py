"""What the record of a page is made of: values of cells, dates, names of authors, the language of a text."""
