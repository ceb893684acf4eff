"""The words that the service uses."""

from enum import StrEnum


class ExperimentStatus(StrEnum):
    """Name a state of an experiment's life."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"


class ExperimentType(StrEnum):
    """Name a kind of experiment."""

    AB = "ab"
    MULTIVARIATE = "multivariate"
    PERSONALIZATION = "personalization"


class PublishStatus(StrEnum):
    """Tell whether a change of state is live."""

    PUBLISHED = "published"
    PENDING_PUBLISH = "pending_publish"


class VariantType(StrEnum):
    """Name a way in which a variant changes the page."""

    DOM_MODIFICATIONS = "dom_modifications"
    REDIRECT = "redirect"


class DomAction(StrEnum):
    """Name a change to one element of the page."""

    CUSTOM_CSS = "customCss"
    CUSTOM_JS = "customJs"
    INSERT_AFTER = "insertAfter"
    INSERT_BEFORE = "insertBefore"
    REMOVE = "remove"
    SET_ATTRIBUTE = "setAttribute"
    SET_HTML = "setHtml"
    SET_IMAGE = "setImage"
    SET_STYLE = "setStyle"
    SET_TEXT = "setText"


class QueryOperator(StrEnum):
    """Name a comparison of a query parameter."""

    CONTAINS = "contains"
    EQUALS = "equals"
    EXISTS = "exists"
    NOT_EQUALS = "not_equals"
    NOT_EXISTS = "not_exists"
    REGEX = "regex"
