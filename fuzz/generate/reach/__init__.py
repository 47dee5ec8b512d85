"""Programs of directory operations, and of files and their owners, that fail as a given one does."""
