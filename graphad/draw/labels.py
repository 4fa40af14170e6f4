"""Text for Graphviz: what is safe inside HTML-like labels, and what is safe outside."""

import html

import graphviz


def printable(text: str) -> str:
    """The text with spaces for control characters, which Graphviz refuses."""
    return "".join(c if c.isprintable() else " " for c in text)


def text_of(text: str) -> str:
    """Text inside an HTML-like label."""
    return html.escape(printable(text), quote=True) or " "


def plain(text: str) -> str:
    """Text outside labels: no escapes, no HTML, no entities."""
    escaped: str = graphviz.escape(printable(text).replace("&", "&amp;"))
    return escaped
