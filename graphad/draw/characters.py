"""Text of users where it is shown: without control characters, and escaped for HTML."""

import html


def printable(text: str) -> str:
    """The text with spaces for control characters, which Graphviz refuses and terminals obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def escaped(text: str) -> str:
    """The text inside HTML, also inside an attribute."""
    return html.escape(printable(text), quote=True)
