"""The values of enums that the API documents."""

from enum import StrEnum


class ExperimentStatus(StrEnum):
    """The state of an experiment."""

    DRAFT = "draft"
    """Not started; variants can be changed in this state only."""
    RUNNING = "running"
    """Started: visitors are assigned to variants and counted."""
    PAUSED = "paused"
    """Paused: no new visitors are assigned, others keep their variant."""
    COMPLETED = "completed"
    """Stopped for good; one variant may be rolled out to all visitors."""


class ExperimentType(StrEnum):
    """The type of an experiment."""

    AB = "ab"
    """Compare two or more variants of a page."""
    MULTIVARIATE = "multivariate"
    """Compare combinations of changes; needs two or more variants."""
    PERSONALIZATION = "personalization"
    """Serve one variant to an audience.

    Visitors are served the first variant that is not the control, whatever the weights
    and the traffic allocation. Without such a variant they see no change.
    """


class PublishStatus(StrEnum):
    """Whether a change is live."""

    PUBLISHED = "published"
    """The change is live."""
    PENDING_PUBLISH = "pending_publish"
    """The change is staged until the next publish."""


class VariantType(StrEnum):
    """How a variant changes the page."""

    DOM_MODIFICATIONS = "dom_modifications"
    """Change elements of the page, by `dom_modifications`."""
    REDIRECT = "redirect"
    """Redirect visitors to another URL, by `redirect_url`."""


class DomAction(StrEnum):
    """A change to one element of the page."""

    CUSTOM_CSS = "customCss"
    """Add style rules; `value` is CSS."""
    CUSTOM_JS = "customJs"
    """Run a script; `value` is JavaScript."""
    INSERT_AFTER = "insertAfter"
    """Insert behind the element; `value` is HTML."""
    INSERT_BEFORE = "insertBefore"
    """Insert before the element; `value` is HTML."""
    REMOVE = "remove"
    """Remove the element; needs no `value`."""
    SET_ATTRIBUTE = "setAttribute"
    """Set attributes; `attribute` holds them by name."""
    SET_HTML = "setHtml"
    """Replace the content; `value` is HTML."""
    SET_IMAGE = "setImage"
    """Replace the image; `value` is its URL."""
    SET_STYLE = "setStyle"
    """Set CSS declarations; `styles` holds them."""
    SET_TEXT = "setText"
    """Replace the text; `value` is plain text."""


class QueryOperator(StrEnum):
    """A comparison of a query parameter with a value."""

    CONTAINS = "contains"
    """The parameter contains the value."""
    EQUALS = "equals"
    """The parameter equals the value."""
    EXISTS = "exists"
    """The parameter is present, with any value."""
    NOT_EQUALS = "not_equals"
    """The parameter differs from the value."""
    NOT_EXISTS = "not_exists"
    """The parameter is absent."""
    REGEX = "regex"
    """The parameter matches the value, a regular expression of JavaScript."""
