"""One file per upstream: how to ask it, and how to read what it answers."""
