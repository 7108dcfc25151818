"""Where a person keeps documents, and how paths are stored in files. Needs no Blender."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

# What Blender puts before a path that begins at the .blend file's folder.
BLEND = "//"
_HOME = "~"
_WINDOWS_DOCUMENTS = "{FDD39AD0-238F-46AF-ADB4-6C85480369C7}"


def documents_folder() -> Path:
    """The person's folder for documents; their home folder where there is none."""
    home = Path.home()
    found = _windows_documents() if os.name == "nt" else _xdg_documents(home, os.environ)
    return next((path for path in (found, home / "Documents") if path and path.is_dir()), home)


def portable(path: Path, blend: str) -> str:
    """``path`` as text for a .blend file, without the person's name where that can be.

    ``blend``: path of that file, empty where it was never saved. Relative to its folder, unless
    that would lead through the home folder by name; else from ``~``; else the whole path.
    """
    home, folder = Path.home(), Path(blend).parent
    if blend and (not path.is_relative_to(home) or folder.is_relative_to(home)):
        try:
            return BLEND + Path(os.path.relpath(path, folder)).as_posix()
        except ValueError:  # another drive of Windows
            pass
    if path.is_relative_to(home):
        return f"{_HOME}/{path.relative_to(home).as_posix()}"
    return str(path)


def located(stored: str, blend: str) -> Path:
    """The path that :func:`portable` stored in the file ``blend``."""
    if stored.startswith(BLEND):
        return Path(os.path.normpath(Path(blend).parent / stored.removeprefix(BLEND)))
    return Path(stored).expanduser() if stored.startswith(_HOME) else Path(stored)


def _xdg_documents(home: Path, environment: Mapping[str, str]) -> Path | None:
    """Linux desktops say it in a file; folders may have any language's name."""
    settings = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "user-dirs.dirs"
    try:
        text = settings.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.search(r'^\s*XDG_DOCUMENTS_DIR="(.+)"\s*$', text, re.MULTILINE)
    return Path(found[1].replace("$HOME", str(home))) if found else None


def _windows_documents() -> Path | None:
    """Windows keeps it in the registry: it may lie in OneDrive or on another drive."""
    if sys.platform != "win32":
        return None
    import winreg

    key = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as folders:
            for name in (_WINDOWS_DOCUMENTS, "Personal"):
                try:
                    return Path(os.path.expandvars(winreg.QueryValueEx(folders, name)[0]))
                except OSError:
                    continue
    except OSError:
        pass
    return None
