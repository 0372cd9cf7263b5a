"""Who does what to whom: events between political actors, found in lines by rules and word lists."""
