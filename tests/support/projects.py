"""Projects of other people, whose tests a pytest of their own runs."""

LIGHT = tuple(
    argument
    for plugin in ("hypothesispytest", "pytest_cov", "schemathesis", "xdist")
    for argument in ("-p", f"no:{plugin}")
)
"""Arguments that leave out plugins of this project: a run takes 0.25 s, not 1.7."""
