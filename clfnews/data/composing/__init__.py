"""Pages composed from articles, layouts and noise, as a recipe says."""
