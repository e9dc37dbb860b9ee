"""Resources: what a selection becomes, and what a unit stores."""
