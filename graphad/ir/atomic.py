"""Writing files whole or not at all."""

import os
import tempfile
from pathlib import Path

from graphad.errors import ExportError


def write_atomic(path: str | Path, data: str | bytes) -> None:
    """Write ``data`` to a temporary file beside ``path`` and rename it: a reader never sees half a file.

    Text is written as UTF-8. On failure nothing is left behind and ExportError names the path.
    """
    target = Path(path)
    content = data.encode() if isinstance(data, str) else data
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except OSError as problem:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise ExportError(
            f"cannot write {path}: {problem.strerror}", hint="choose a folder that exists and is writable"
        ) from problem


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
