"""Error answers of the service: status, `error` and `details`."""


class ProblemError(Exception):
    """A call whose answer is an error."""

    def __init__(self, status: int, error: str, details: str | None = None) -> None:
        super().__init__(status, error, details)
        self.status = status
        self.error = error
        self.details = details

    def body(self) -> dict[str, str]:
        """Return the JSON body of the answer."""
        if self.details is None:
            return {"error": self.error}
        return {"error": self.error, "details": self.details}


def bad_request(details: str) -> ProblemError:
    """Return a 400; `details` starts with the name of the field."""
    return ProblemError(400, "Bad Request", details)


def unauthorized() -> ProblemError:
    """Return a 401, for a missing or invalid key."""
    return ProblemError(401, "Unauthorized", "missing or invalid API key")


def forbidden(scope: str) -> ProblemError:
    """Return a 403, for a key without the scope."""
    return ProblemError(403, "Forbidden", f"the API key lacks the scope {scope}")


def not_found(what: str) -> ProblemError:
    """Return a 404, for something that does not exist."""
    return ProblemError(404, "Not Found", what)


def conflict(reason: str) -> ProblemError:
    """Return a 409, for a call that the present state does not allow."""
    return ProblemError(409, reason)
