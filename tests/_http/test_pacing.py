"""How answers change a client's limits."""

import pytest

from ours_experiments._http.pacing import Pacing
from ours_experiments._http.retry import FailureKind, RetryBudget


@pytest.mark.parametrize(
    ("kind", "limit", "tokens"),
    [
        pytest.param(None, 2.0, 6, id="definite-answer"),
        pytest.param(FailureKind.REFUSED, 1.0, 5, id="refused"),
        pytest.param(FailureKind.MAYBE_APPLIED, 2.0, 5, id="maybe-applied"),
        pytest.param(FailureKind.NOT_SENT, 2.0, 5, id="not-sent"),
    ],
)
async def test_failures(kind: FailureKind | None, limit: float, tokens: int) -> None:
    """A refusal halves the limit, an answer refunds the budget, a loss does neither."""
    pacing = Pacing(2, RetryBudget(10))
    assert pacing.budget.spend()
    pacing.record_failure(kind, None, pacing.loop.time())
    assert (pacing.limiter.limit, pacing.budget.tokens) == (limit, tokens)
    pacing.close()
