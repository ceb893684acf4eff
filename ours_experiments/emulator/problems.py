"""The refusals of the service: a status, an error and its particulars."""


class ProblemError(Exception):
    """A call that is answered with an error."""

    def __init__(self, status: int, error: str, details: str | None = None) -> None:
        super().__init__(status, error, details)
        self.status = status
        self.error = error
        self.details = details

    def body(self) -> dict[str, str]:
        """Give the JSON body of the answer."""
        if self.details is None:
            return {"error": self.error}
        return {"error": self.error, "details": self.details}


def bad_request(details: str) -> ProblemError:
    """Refuse a request that is malformed; `details` begins with the field."""
    return ProblemError(400, "Bad Request", details)


def unauthorized() -> ProblemError:
    """Refuse a request without a key that is known."""
    return ProblemError(401, "Unauthorized", "missing or invalid API key")


def forbidden(scope: str) -> ProblemError:
    """Refuse a key that lacks the scope."""
    return ProblemError(403, "Forbidden", f"the API key lacks the scope {scope}")


def not_found(what: str) -> ProblemError:
    """Refuse a call on something that does not exist."""
    return ProblemError(404, "Not Found", what)


def conflict(reason: str) -> ProblemError:
    """Refuse a call that the present state does not allow."""
    return ProblemError(409, reason)
