"""Programs of another Python, started without what ties them to Blender. Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...ml.errors import EngineUnavailable
from ...ml.settings import DOWNLOAD_PROXY

# Blender sets or inherits these; they would make another Python load the wrong library or code,
# or keep it from finding ``ml`` in the folder where it is started.
_UNWANTED = re.compile(
    r"PYTHON.*|PIP_.*|LD_.*|DYLD_.*|VIRTUAL_ENV|__PYVENV_LAUNCHER__"
    # Folders whose libraries are loaded unasked. Certificates (SSL_*) and OpenSSL's own settings
    # stay: a company's network may need them.
    r"|GCONV_PATH|OPENSSL_(MODULES|ENGINES)"
    # A child needs nobody's passwords.
    r"|(.*_)?(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS|API_?KEY|ACCESS_KEY|PRIVATE_KEY)(_.*)?",
    re.IGNORECASE,
)
# Without these pip cannot fetch anything behind a company's own certificate or proxy. The index
# that a company runs belongs in pip's configuration file, which is read as ever.
_NEEDED_BY_PIP = ("PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY")
_WANTED = {
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    # A missing file must fail at once instead of being looked for on the network.
    "HF_HUB_OFFLINE": "1",
}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY")
# Nothing listens there: whatever library looks for the network finds none.
_NOWHERE = "http://127.0.0.1:9"
# No console window may flash up on Windows.
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


def clean_environment(base: Mapping[str, str]) -> dict[str, str]:
    """``base`` without what ties a Python to Blender or to another Python, and without secrets."""
    kept = {
        name: value
        for name, value in base.items()
        if name.upper() in _NEEDED_BY_PIP or not _UNWANTED.fullmatch(name)
    }
    return kept | _WANTED


def worker_environment(base: Mapping[str, str]) -> dict[str, str]:
    """A clean environment in which no library reaches the network by itself.

    Only a download that a person agreed to uses the proxy that is kept in DOWNLOAD_PROXY.
    """
    kept = {name: value for name, value in base.items() if name.upper() not in _PROXIES}
    proxies = {name.upper(): value for name, value in base.items() if name.upper() in _PROXIES}
    blocked = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), _NOWHERE)
    own = proxies.get("HTTPS_PROXY") or proxies.get("ALL_PROXY", "")
    return clean_environment(kept) | blocked | {DOWNLOAD_PROXY: own}


def start_process(command: Sequence[str], **options: Any) -> subprocess.Popen:
    """A running program whose output is text, in a clean environment if ``env`` is not given.

    Raises
    ------
    EngineUnavailable: it does not start. ValueError: its path is not a whole one.
    """
    if not Path(command[0]).is_absolute():
        # Windows would look in the current folder first: that of an opened file, for example.
        raise ValueError(f"{command[0]} is not the whole path of a program")
    options.setdefault("env", clean_environment(os.environ))
    try:
        return subprocess.Popen(
            list(command),
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            creationflags=NO_WINDOW,
            **options,
        )
    except OSError as error:
        raise EngineUnavailable(
            f"The engine's Python {command[0]} could not be started ({error})",
            "Choose another in the extension's preferences, or press Install engine",
        ) from error
