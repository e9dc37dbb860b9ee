"""What developers run to make files that are committed."""
