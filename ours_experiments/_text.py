"""Text for people: what would act upon a terminal or a log is escaped."""


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
