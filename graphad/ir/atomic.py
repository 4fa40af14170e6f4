"""Writing files whole or not at all."""

import os
from pathlib import Path

from graphad.errors import ExportError


def write_atomic(path: str | Path, data: str | bytes) -> None:
    """Write ``data`` to a temporary file beside ``path`` and rename it: a reader never sees half a file.

    Text is written as UTF-8, line ends as they are. A link is followed. On failure nothing is left behind and what was
    at ``path`` stays; ExportError names the path.
    """
    target = Path(os.path.realpath(path))
    content = data.encode() if isinstance(data, str) else data
    temporary = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as problem:
        raise ExportError(
            f"cannot write {path}: {problem.strerror or problem}", hint="choose a folder that exists and is writable"
        ) from problem
