"""One file per resource: which units a selection has, and what one unit stores."""
