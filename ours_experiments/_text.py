"""Text for people: escaped for terminals and logs, and numbers in percent."""


def printable(text: str) -> str:
    r"""Escape what would act upon a terminal or a log, such as `\x1b` and `\x0a`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(ord(char)) for char in text)


def escaped(point: int) -> str:
    """Escape a character as a Python literal does."""
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


UNKNOWN = "-"
"""What tables show for a figure that is not known."""


def format_percent(share: float | None, digits: int) -> str:
    """Format a share of 1 in percent."""
    return UNKNOWN if share is None else f"{share:.{digits}%}"
