"""The virtual environment that the oracle runs in."""

import os
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def enter(folder: Path) -> None:
    """Goes on in the environment, which is made first if it is not there or lacks something."""
    home = folder / "venv"
    if Path(sys.prefix).resolve() == home:
        return
    python = home / "bin" / "python"
    installed = home / REQUIREMENTS.name
    wanted = REQUIREMENTS.read_text()
    if not installed.exists() or installed.read_text() != wanted:
        venv.create(home, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]
        subprocess.run(install, check=True)
        installed.write_text(wanted)
    os.execv(python, [str(python), *sys.argv])
