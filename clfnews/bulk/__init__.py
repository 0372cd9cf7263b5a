"""Any number of pages into a folder, in many processes."""
