"""The words that the service uses."""

from enum import StrEnum


class ExperimentStatus(StrEnum):
    """Name a state of an experiment's life."""

    DRAFT = "draft"
    """Not started; the one state in which variants change."""
    RUNNING = "running"
    """Visitors are assigned and counted."""
    PAUSED = "paused"
    """Nobody new is assigned; those assigned keep their variant."""
    COMPLETED = "completed"
    """Stopped for good; a winner may be served to everybody."""


class ExperimentType(StrEnum):
    """Name a kind of experiment."""

    AB = "ab"
    """Variants of one page; two or more of them."""
    MULTIVARIATE = "multivariate"
    """Combinations of several changes; two or more variants."""
    PERSONALIZATION = "personalization"
    """One experience for an audience; needs no second variant."""


class PublishStatus(StrEnum):
    """Tell whether a change of state is live."""

    PUBLISHED = "published"
    """Visitors see it."""
    PENDING_PUBLISH = "pending_publish"
    """It is staged until the next publish."""


class VariantType(StrEnum):
    """Name a way in which a variant changes the page."""

    DOM_MODIFICATIONS = "dom_modifications"
    """By changes to elements of the page: `dom_modifications`."""
    REDIRECT = "redirect"
    """By sending visitors to another address: `redirect_url`."""


class DomAction(StrEnum):
    """Name a change to one element of the page."""

    CUSTOM_CSS = "customCss"
    """Add style rules; `value` is CSS."""
    CUSTOM_JS = "customJs"
    """Run a script; `value` is JavaScript."""
    INSERT_AFTER = "insertAfter"
    """Add behind the element; `value` is HTML."""
    INSERT_BEFORE = "insertBefore"
    """Add before the element; `value` is HTML."""
    REMOVE = "remove"
    """Take the element away; has no value."""
    SET_ATTRIBUTE = "setAttribute"
    """Set attributes: `attribute`, by name."""
    SET_HTML = "setHtml"
    """Replace what is inside; `value` is HTML."""
    SET_IMAGE = "setImage"
    """Show another image; `value` is its URL."""
    SET_STYLE = "setStyle"
    """Set declarations: `styles`."""
    SET_TEXT = "setText"
    """Replace the text; `value` is plain."""


class QueryOperator(StrEnum):
    """Name a comparison of a query parameter."""

    CONTAINS = "contains"
    """The value is part of the parameter."""
    EQUALS = "equals"
    """The value is the parameter."""
    EXISTS = "exists"
    """The parameter is there, whatever it is."""
    NOT_EQUALS = "not_equals"
    """The value is not the parameter."""
    NOT_EXISTS = "not_exists"
    """The parameter is not there."""
    REGEX = "regex"
    """The value is a pattern that the parameter matches."""
