"""Print the goals of a Makefile and what follows "##" in their lines.

python .ci/make_help.py FILE
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

_GOAL = re.compile(r"^([\w-]+):[^#=]*## (.+)$", re.MULTILINE)


def main() -> None:
    goals = _GOAL.findall(Path(sys.argv[1]).read_text(encoding="utf-8"))
    width = max(len(goal) for goal, _ in goals)
    for goal, text in goals:
        print(f"make {goal:{width}}  {text}")


if __name__ == "__main__":
    main()
