"""Tell in one line when this Python cannot make the environment; runs before anything is installed."""

import importlib.util
import sys

FOUND = sys.version.split()[0]

if sys.version_info < (3, 11):  # noqa: UP036 - it may well be run by an older one
    sys.exit(f"seatrial: Python {FOUND} is too old; give one from 3.11 on, for instance: make PYTHON=python3.11 trial")
if importlib.util.find_spec("ensurepip") is None:
    sys.exit("seatrial: this Python cannot make virtual environments; run: apt-get install python3-venv")
