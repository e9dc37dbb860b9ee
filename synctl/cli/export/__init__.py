"""`synctl export`: stored data out of the database, in formats that other programs read."""
