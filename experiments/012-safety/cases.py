"""Both lists of the safety issue, line by line: makes each input, runs the command line, prints OK or FAIL.

Run: python experiments/012-safety/cases.py [PART OF A NAME ...]
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

import attack_list
import case_list
from common import new_folder, rules_model


def main() -> None:
    wanted, failed = sys.argv[1:], 0
    with new_folder() as model:
        rules_model(model / "model")
        for name, check in (*case_list.CASES, *attack_list.ATTACKS):
            if wanted and not any(part in name for part in wanted):
                continue
            with new_folder() as folder:
                try:
                    told = check(Path(folder), model / "model")
                except (AssertionError, OSError, KeyError, ValueError) as error:
                    told = traceback.format_exc(limit=-1) if isinstance(error, AssertionError) else repr(error)
            failed += told is not None
            print(f"{'OK  ' if told is None else 'FAIL'} {name}{'' if told is None else f': {told[:600]}'}", flush=True)
    print(f"{failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
