"""Many experiments at once, with one outcome for each."""
