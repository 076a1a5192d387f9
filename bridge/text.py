"""Text that every platform and every database takes."""


def readable(text: str) -> str:
    """The text with surrogate halves joined, and with U+FFFD for what no database and no platform takes."""
    text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
