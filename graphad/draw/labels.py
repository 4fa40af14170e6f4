"""Text for Graphviz: what is safe inside HTML-like labels, and what is safe outside."""

import graphviz

from graphad.draw.characters import escaped, printable


def text_of(text: str) -> str:
    """Text inside an HTML-like label."""
    return escaped(text) or " "


def plain(text: str) -> str:
    """Text outside labels: no escapes, no HTML, no entities."""
    escaped: str = graphviz.escape(printable(text).replace("&", "&amp;"))
    return escaped
