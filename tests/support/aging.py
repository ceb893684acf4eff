"""Let what an emulator holds be older than it is."""

from ours_experiments.emulator import Emulator


A_MINUTE = 60_000
"""Milliseconds: far more than the clocks of one service may differ."""


def age(emulator: Emulator) -> None:
    """Let everything have happened a minute earlier.

    What changed a moment before a call may have changed after it, by another clock. So
    a test of what did not change begins with something that is older.
    """
    state = emulator.state
    for row in state.experiments():
        experiment = state.get(str(row["id"]))
        experiment.created_at -= A_MINUTE
        if experiment.updated_at is not None:
            experiment.updated_at -= A_MINUTE
        if experiment.started_at is not None:
            experiment.started_at -= A_MINUTE
        experiment.full_json = None
        state.index.put(experiment)
    for version in state.releases.versions:
        version.created_at -= A_MINUTE
        version.published_at -= A_MINUTE
