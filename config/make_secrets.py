"""`python -m config.make_secrets FOLDER`: the secrets of an installation, made once.

The one-shot service of docker-compose.yml calls it, so that no secret stands in a file of the checkout. What is there
is left alone.
"""

import os
import secrets
import sys
from pathlib import Path

DATABASE_USER = "callboard"


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("secret-key", "key-pepper", "audit-signing-key"):
        write_once(folder / name, secrets.token_urlsafe(48))
    password = write_once(folder / "postgres-password", secrets.token_urlsafe(32))
    # As libpq reads it; DATABASE_URL then needs no password.
    write_once(folder / "pgpass", f"*:*:*:{DATABASE_USER}:{password}\n")


def write_once(path: Path, content: str) -> str:
    """What the file holds, new or old."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(content)
    return content


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m config.make_secrets FOLDER")
    main(Path(sys.argv[1]))
