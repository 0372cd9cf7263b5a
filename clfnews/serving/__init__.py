"""The filter over HTTP: a page to look at, and a JSON API beside it."""
