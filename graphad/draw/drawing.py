"""What `g.draw()` returns: a Digraph that needs no ``dot`` program."""

import shutil
from pathlib import Path
from typing import Any

import graphviz

from graphad.draw.render import FORMATS, render
from graphad.ir.atomic import write_atomic


class Drawing(graphviz.Digraph):  # type: ignore[misc]  # the library is untyped
    """A Digraph that lays itself out also where there is no ``dot`` program, and shows itself in notebooks."""

    def pipe(self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any) -> bytes | str:
        """The picture in a format (svg unless given), as bytes, or as text when an encoding is given."""
        kind = format or self.format
        if kind not in FORMATS:  # only the `dot` program writes the others
            data: bytes | str = super().pipe(kind, *args, encoding=encoding, **kwargs)
            return data
        picture = render(self.source, kind)
        return picture.decode(encoding) if encoding else picture

    def save(self, filename: Any = None, directory: Any = None, **kwargs: Any) -> str:
        """Write DOT as the library does, or the picture where the name ends in .svg, .png or .pdf; returns the path."""
        kind = Path(filename or "").suffix.lstrip(".").lower()
        if kwargs or kind not in FORMATS:  # the library's `render` gives keywords: it wants DOT under any name
            path: str = super().save(filename, directory=directory, **kwargs)
            return path
        target = Path(directory or ".") / filename
        write_atomic(target, render(self.source, kind))
        return str(target)

    def render(  # the library's own way goes through the `dot` program
        self,
        filename: Any = None,
        directory: Any = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        **kwargs: Any,
    ) -> str:
        """Write the source and the picture beside it; returns the path of the picture. Arguments as in the library."""
        if shutil.which("dot") or kwargs:
            path: str = super().render(
                filename, directory=directory, view=view, cleanup=cleanup, format=format, **kwargs
            )
            return path
        picture = self.pipe(format)
        source = Path(super().save(filename, directory=directory))
        target = source.with_name(f"{source.name}.{format or self.format}")
        write_atomic(target, picture)
        if cleanup:
            source.unlink()
        if view:
            self._view(str(target), format=format or self.format, quiet=False)
        return str(target)
