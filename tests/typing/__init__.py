"""Types as a user's checker sees them; never executed."""
