"""The tests: a package that mirrors the folders of `ours_experiments`."""
