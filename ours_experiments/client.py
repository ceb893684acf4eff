"""The client: one object for an application's life."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp
import attrs
from yarl import URL

from ours_experiments._http.api_key import check_api_key
from ours_experiments._http.headers import check_headers, check_user_agent
from ours_experiments._http.pacing import SharedPacing
from ours_experiments._http.request_log import configure_logging
from ours_experiments._http.responses import to_json
from ours_experiments._http.retry import METHODS, RetryBudget, RetryPolicy
from ours_experiments._http.session import Session
from ours_experiments._http.transport import USER_AGENT, Transport
from ours_experiments._http.urls import environment_proxy, parse_base_url
from ours_experiments._unset import UNSET, Unset
from ours_experiments._validation import check_count, check_seconds
from ours_experiments.errors import ConfigurationError


if TYPE_CHECKING:
    from ours_experiments.bulk.bulk import Bulk
    from ours_experiments.experiments import Experiments
    from ours_experiments.models import Experiment, ExperimentStatus
    from ours_experiments.settings import SettingsRecords
    from ours_experiments.specs.files import Limits
    from ours_experiments.specs.plan import Plan
    from ours_experiments.specs.spec import ExperimentSpec
    from ours_experiments.variants import Variants
    from ours_experiments.versions import Versions


class Client:
    """An asynchronous client of the Ours Privacy Experiments API.

    Use it as `async with Client() as client:`, or close it with `await
    client.close()`. It may be built before the event loop runs; it serves one event
    loop at a time. Build one for an application, not one for a request.

    Its calls are in groups, each with a page of its own: `experiments`, `variants`,
    `settings`, `versions` and `bulk`; `help(client.experiments)`.

    Args:
        api_key: The key; by default the environment's OURS_PRIVACY_API_KEY.
        base_url: The service's address; by default the environment's
            OURS_PRIVACY_PLATFORM_BASE_URL, else https://app.oursprivacy.com. Its
            certificate is verified, with the authorities of the system or of the file
            that SSL_CERT_FILE names when the process starts.
        session: An `aiohttp.ClientSession` to borrow; it is never closed here, and
            the key is never stored in it.
        timeout: Seconds for one call altogether: attempts, waits and reads. Decoding
            what was read comes on top: some 50 ms for each MiB.
        attempt_timeout: Seconds for one request; by default 20, and no more than a
            third of `timeout`, so that a hanging request leaves time to find out what
            became of it.
        retry: How often a call is sent, and how long it waits in between.
        max_in_flight: Maximum number of requests at the same time; the client lowers
            it by itself while the service answers 429 or 503.
        max_response_bytes: Maximum size of a decoded response, in bytes.
        trace_configs: Passed on to aiohttp; not with a borrowed session.
        trust_env: Whether HTTPS_PROXY and NO_PROXY of the environment count; not with
            a borrowed session. Plain http goes through a proxy only with
            `allow_insecure`. A netrc file is never read.
        allow_insecure: Whether `base_url` may be plain http to another machine.
        pacing: What this client and those of other processes agree on before each
            request, such as `ours_experiments.integrations.redis.RedisPacing`; by
            default every client paces itself alone. It is never closed here.
        user_agent: The application's name and version, such as `app/1.0`; it stands
            before this package's own in the `User-Agent` header.
        headers: Headers to add to every request, such as a gateway's; never
            `Authorization`, nor one that this package or aiohttp sets.

    OURS_PRIVACY_PLATFORM_LOG in the environment, one of debug, info, warn, error and
    off, writes the log of this package to standard error: at info one line for each
    request, which holds neither the key nor a body.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | URL | None = None,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 60.0,
        attempt_timeout: float | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - it is immutable
        max_in_flight: int = 32,
        max_response_bytes: int = 32 * 2**20,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        trust_env: bool = False,
        allow_insecure: bool = False,
        pacing: SharedPacing | None = None,
        user_agent: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        if api_key is None:
            api_key = os.environ.get("OURS_PRIVACY_API_KEY")
        authorization = check_api_key(api_key)
        # A traceback may show the locals of its frames.
        del api_key
        if isinstance(authorization, ConfigurationError):
            raise authorization
        if base_url is None:
            base_url = os.environ.get("OURS_PRIVACY_PLATFORM_BASE_URL") or None
        check_count("max_in_flight", max_in_flight, 1)
        check_count("max_response_bytes", max_response_bytes, 1)
        if session is not None and (trace_configs or trust_env):
            raise ConfigurationError(
                "trace_configs and trust_env belong to the borrowed session: set them "
                "where it is built"
            )
        added = check_headers({} if headers is None else headers)
        if user_agent is not None:
            added["User-Agent"] = f"{check_user_agent(user_agent)} {USER_AGENT}"
        configure_logging()
        prefix = parse_base_url(base_url, allow_insecure=allow_insecure)
        transport = Transport(
            prefix,
            authorization,
            session=session,
            max_in_flight=max_in_flight,
            max_response_bytes=max_response_bytes,
            budget=RetryBudget(check_retry(retry).budget),
            trace_configs=trace_configs,
            proxy=proxy_for(
                prefix, session, trust_env=trust_env, allow_insecure=allow_insecure
            ),
            headers=added,
            pacing=pacing,
        )
        check_seconds("timeout", timeout)
        if attempt_timeout is not None:
            check_seconds("attempt_timeout", attempt_timeout)
        self._session = Session(transport, timeout, attempt_timeout, retry)

    @cached_property
    def experiments(self) -> "Experiments":
        """Experiments, their lifecycle and their results."""
        from ours_experiments.experiments import Experiments  # noqa: PLC0415 - on first use

        return Experiments(self._session)

    @cached_property
    def variants(self) -> "Variants":
        """The variants of an experiment."""
        from ours_experiments.variants import Variants  # noqa: PLC0415 - on first use

        return Variants(self._session)

    @cached_property
    def settings(self) -> "SettingsRecords":
        """The account's experiment settings."""
        from ours_experiments.settings import SettingsRecords  # noqa: PLC0415 - on first use

        return SettingsRecords(self._session)

    @cached_property
    def versions(self) -> "Versions":
        """What is live, what was, and what is staged."""
        from ours_experiments.versions import Versions  # noqa: PLC0415 - on first use

        return Versions(self._session)

    @cached_property
    def bulk(self) -> "Bulk":
        """Many lifecycle calls at once, with one outcome for each."""
        from ours_experiments.bulk.bulk import Bulk  # noqa: PLC0415 - on first use

        return Bulk(self._session)

    def __repr__(self) -> str:
        session: Session | None = getattr(self, "_session", None)
        address = session.transport.root if session else "not connected"
        return f"<{type(self).__name__} {address}>"

    async def __aenter__(self) -> Self:
        self._session.transport.ready()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, *, wait: float | None = None) -> None:
        """Close the client, and its session unless that is borrowed.

        It may be called again. Calls that begin later raise `ConfigurationError`. Calls
        under way end at once, whatever they wait for: with `ConfigurationError`, or
        with `OutcomeUnknownError` where a write may have been applied.

        Args:
            wait: Seconds in which calls under way may still end by themselves.
        """
        if wait is not None:
            check_seconds("wait", wait)
        await self._session.transport.close(wait)

    async def aclose(self) -> None:
        """Close the client; for `contextlib.aclosing`."""
        await self.close()

    def with_options(
        self,
        *,
        timeout: float | Unset = UNSET,
        attempt_timeout: float | Unset | None = UNSET,
        retry: RetryPolicy | Unset = UNSET,
    ) -> Self:
        """Return a view of this client with other timeouts or another retry policy.

        It shares the connections, the pacing and the retry budget with this client;
        closing either closes both.

        Args:
            timeout: Seconds for one call altogether.
            attempt_timeout: Seconds for one request; None for the default of
                `Client`, which follows `timeout`.
            retry: How often a call is sent; its `budget` has no effect, since all
                views share the client's.
        """
        session = self._session
        if timeout is not UNSET:
            check_seconds("timeout", timeout)
            session = attrs.evolve(session, timeout=timeout)
        if attempt_timeout is not UNSET:
            if attempt_timeout is not None:
                check_seconds("attempt_timeout", attempt_timeout)
            session = attrs.evolve(session, attempt_timeout=attempt_timeout)
        if retry is not UNSET:
            session = attrs.evolve(session, retry=check_retry(retry))
        view = object.__new__(type(self))
        view._session = session
        return view

    async def plan(
        self,
        specs: Iterable["ExperimentSpec"],
        *,
        owns: Iterable[str] = (),
        settings: str | None = None,
        limits: "Limits | None" = None,
        prune: bool = False,
    ) -> "Plan":
        """Compare specs with the account, and plan what to change; only reads.

        Args:
            specs: What the experiments are to be like; `load_specs` reads them.
            owns: Patterns of the keys that the specs own, such as `web-*`.
            settings: Name or id of the settings of new experiments.
            limits: How much may change live; by default 30 % of 10 or more.
            prune: Whether to delete what is owned and in no spec.

        What is left out comes from the `ours.yaml` of specs that `load_specs` read.

        Raises:
            SpecError: Two specs mean one experiment.
        """
        from ours_experiments.specs.service import plan_specs  # noqa: PLC0415 - few need it

        return await plan_specs(
            self._session,
            specs,
            owns=owns,
            settings=settings,
            limits=limits,
            prune=prune,
        )

    def plan_from(self, text: str) -> "Plan":
        """Read a plan that `Plan.to_json` wrote, to apply it.

        Raises:
            ConfigurationError: It is no plan, was edited, or is another account's.
        """
        from ours_experiments.specs.service import bind_plan  # noqa: PLC0415 - few need it

        return bind_plan(self._session, text)

    async def export(
        self,
        *,
        status: "ExperimentStatus | str | None" = None,
        keys: Iterable[str] | None = None,
        on_left_out: "Callable[[Experiment, str], object] | None" = None,
    ) -> "tuple[ExperimentSpec, ...]":
        """Return a spec for each experiment, for `dump_specs` to write.

        Args:
            status: Only experiments in this state.
            keys: Only experiments whose key matches one of these patterns.
            on_left_out: Called with each experiment that no file can hold, since its
                key is blank or has white space around it, and with the reason; by
                default a warning is logged.
        """
        from ours_experiments.specs.service import export_account  # noqa: PLC0415 - few need it

        return await export_account(
            self._session, status=status, keys=keys, on_left_out=on_left_out
        )

    async def request(
        self,
        method: str,
        *path_segments: str,
        params: Mapping[str, object] | None = None,
        json: object = None,
    ) -> object:
        """Call an endpoint that has no method here; retries and limits hold as well.

        Args:
            method: GET, POST, PUT, PATCH or DELETE.
            path_segments: The path below `/rest/v1`; each segment is percent-encoded
                as a whole.
            params: The query; None values are left out.
            json: The body. Numbers that JSON cannot hold exactly are refused.

        Returns:
            The decoded JSON; None for a DELETE whose response has no body.

        Raises:
            OutcomeUnknownError: A write whose reply was lost. A POST is never sent
                again then.
        """
        method = str(method).upper()
        if method not in METHODS:
            raise ConfigurationError(f"method must be an HTTP method, not {method!r}")
        if not path_segments:
            raise ConfigurationError("path_segments must name an endpoint")
        return await self._session.request(
            method, *path_segments, read=to_json, params=params, json=json
        )


def proxy_for(
    prefix: str,
    session: aiohttp.ClientSession | None,
    *,
    trust_env: bool,
    allow_insecure: bool,
) -> URL | None:
    """Return the environment's proxy for a client's own session, if there is one.

    Raises:
        ConfigurationError: A borrowed session would send the key to it in plain text.
    """
    trusting = trust_env if session is None else session.trust_env
    proxy = environment_proxy(prefix) if trusting else None
    encrypted = allow_insecure or prefix.startswith("https:")
    if session is None:
        return proxy if encrypted else None
    if proxy is not None and not encrypted:
        raise ConfigurationError(
            "session would send the API key unencrypted to the environment's "
            f"proxy {proxy.host}: build it without trust_env"
        )
    return None


def check_retry(retry: object) -> RetryPolicy:
    """Return a `RetryPolicy`; refuse anything else."""
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError(
            f"retry must be a RetryPolicy, not {type(retry).__name__}"
        )
    return retry
