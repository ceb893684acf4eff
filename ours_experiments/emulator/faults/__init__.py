"""What goes wrong on request between the account and its caller."""
