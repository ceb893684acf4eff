"""The state of one account and its rules, without HTTP."""
