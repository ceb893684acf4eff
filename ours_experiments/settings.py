"""Endpoints below `/rest/v1/experiment-settings`."""

from typing import Literal

import attrs

from ours_experiments._codec.converter import encode
from ours_experiments._http.decoding import decoder
from ours_experiments._http.session import Session
from ours_experiments._pagination import all_of
from ours_experiments._validation import check_draft
from ours_experiments._writes import creation as _creation
from ours_experiments._writes.reconcile import reconcile
from ours_experiments.drafts import NewSettings, SettingsPatch
from ours_experiments.errors import ConfigurationError
from ours_experiments.models import Settings


__all__ = ["SettingsRecords"]


@attrs.frozen
class SettingsRecords:
    """The account's experiment settings; reached as `client.settings`.

    Every experiment belongs to a settings record. An account has one in practice.

    Every call can raise the errors that `Experiments` names for all of its calls. The
    methods name further errors.
    """

    _session: Session

    async def list(self) -> tuple[Settings, ...]:
        """Return all settings of the account; `GET /experiment-settings`."""
        return await self._session.request(
            "GET", "experiment-settings", read=all_of(Settings)
        )

    async def create(self, draft: NewSettings) -> Settings:
        """Create settings; `POST /experiment-settings`.

        Raises:
            ConflictError: The account has settings already.
            OutcomeUnknownError: The settings may exist; see `candidates`.
        """
        check_draft(draft, NewSettings)
        return await reconcile(self._session, _creation.settings(draft))

    async def retrieve(self, id: str) -> Settings:
        """Return one settings record; `GET /experiment-settings/{id}`."""
        return await self._session.request(
            "GET", "experiment-settings", id, read=decoder(Settings)
        )

    async def update(self, id: str, patch: SettingsPatch) -> Settings:
        """Change settings; `PATCH /experiment-settings/{id}`."""
        check_draft(patch, SettingsPatch)
        return await self._session.request(
            "PATCH",
            "experiment-settings",
            id,
            read=decoder(Settings),
            json=encode(patch),
        )

    async def delete(
        self, id: str, *, with_experiments: Literal[True]
    ) -> Settings | None:
        """Delete settings with every experiment and variant that belongs to them.

        `DELETE /experiment-settings/{id}`. None when the reply was lost and the
        settings are gone.

        Args:
            id: The settings' identifier.
            with_experiments: Must be True: the experiments are deleted as well.
        """
        if with_experiments is not True:  # pyright: ignore[reportUnnecessaryComparison]
            raise ConfigurationError(
                "with_experiments must be True: the service deletes every experiment "
                "of these settings with them"
            )
        return await self._session.request(
            "DELETE", "experiment-settings", id, read=decoder(Settings)
        )
