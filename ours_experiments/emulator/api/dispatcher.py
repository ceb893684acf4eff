"""From a request to its operation, through the checks in their order."""

from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from typing import cast

import orjson
from aiohttp import web

from ours_experiments.emulator.api.query import Query
from ours_experiments.emulator.api.routes import Route, Routes, Target
from ours_experiments.emulator.api.service import Call, Service
from ours_experiments.emulator.connections import MAX_BODY_BYTES, Connection
from ours_experiments.emulator.faults.rules import Faults
from ours_experiments.emulator.json_values import Json, Values, parse
from ours_experiments.emulator.log import LogEntry, RequestLog
from ours_experiments.emulator.problems import (
    ProblemError,
    bad_request,
    forbidden,
    not_found,
    unauthorized,
)


_JSON = {"Content-Type": "application/json"}


class Dispatcher:
    """Answer requests: authenticate, route, check, carry out."""

    def __init__(
        self,
        service: Service,
        keys: Mapping[str, frozenset[str]],
        log: RequestLog,
        faults: Faults,
        conflict_status: int = 409,
    ) -> None:
        self._service = service
        self._keys = keys
        self._log = log
        self._faults = faults
        self._conflict_status = conflict_status
        self._routes = Routes(is_initial=service.is_initial)

    async def receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, through the faults that are active."""
        request = cast("web.Request", request)  # as the server makes them
        # As it was sent: decoded, %2F within an id would separate two segments.
        path = request.rel_url.raw_path
        target = self._routes.find(request.method, path)
        connection = request.protocol
        entry = LogEntry(
            method=request.method,
            path=path,
            route="unknown" if target.route is None else target.route.name,
            connection=connection.number if isinstance(connection, Connection) else 0,
            started=monotonic(),
            id=target.id or None,
        )
        self._log.begin(entry)
        status = None
        try:
            if self._faults.active:

                async def handler(request: web.Request) -> web.StreamResponse:
                    return await self._answer(request, target, entry)

                response = await self._faults.apply(request, entry.route, handler)
            else:
                response = await self._answer(request, target, entry)
            # If a fault has cut the connection, nobody got the status.
            transport = request.transport
            if transport is not None and not transport.is_closing():
                status = response.status
        finally:
            self._log.end(entry, status)
        return response

    async def _answer(
        self, request: web.Request, target: Target, entry: LogEntry
    ) -> web.Response:
        try:
            payload = await self._carry_out(request, target)
        except ProblemError as refusal:
            problem = self._as_documented(refusal, target)
            headers = _JSON
            if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
                headers = {**_JSON, "Allow": ", ".join(target.allowed)}
            return web.Response(
                body=orjson.dumps(problem.body()),
                status=problem.status,
                headers=headers,
            )
        # Before the answer leaves, which a fault may still lose.
        self._log.apply(entry)
        return web.Response(body=orjson.dumps(payload), headers=_JSON)

    def _as_documented(self, problem: ProblemError, target: Target) -> ProblemError:
        if problem.status != HTTPStatus.CONFLICT or self._conflict_status == 409:
            return problem
        if target.route is not None and target.route.documents_conflict:
            return problem
        return bad_request(problem.error)

    async def _carry_out(self, request: web.Request, target: Target) -> object:
        # The order of the checks decides which of several errors is the answer.
        scopes = self._authenticate(request)
        route = target.route
        if not target.allowed:
            raise not_found("path")
        if route is None:
            raise ProblemError(405, "Method Not Allowed", request.method)
        # Before the body: a key without the scope learns nothing about the operation.
        if route.scope not in scopes:
            raise forbidden(route.scope)
        body: Values = {}
        if route.body is not None:
            body = route.body(await _read(request, route))
        # aiohttp limits only bodies that are read.
        elif (request.content_length or 0) > MAX_BODY_BYTES:
            raise _too_large()
        query = Query(request.query if request.query_string else {})
        return await route.handler(self._service, Call(target.id, body, query, scopes))

    def _authenticate(self, request: web.Request) -> frozenset[str]:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        scopes = self._keys.get(key.strip())
        if scopes is None or scheme.lower() != "bearer":
            raise unauthorized()
        return scopes


async def _read(request: web.Request, route: Route) -> Json:
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large() from None
    except web.RequestPayloadError:
        raise bad_request("body: cannot be read") from None
    if not raw:
        if route.optional:
            return {}
        raise bad_request("body: is required")
    if request.content_type != "application/json":
        raise bad_request("Content-Type: must be application/json")
    try:
        body = parse(raw)
    except ValueError:
        raise bad_request("body: is not JSON") from None
    return {} if body is None and route.optional else body


def _too_large() -> ProblemError:
    return ProblemError(413, "Payload Too Large", f"over {MAX_BODY_BYTES} bytes")
