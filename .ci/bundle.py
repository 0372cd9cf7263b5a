"""Lay out the package `clfnews_model` with a trained filter, as the wheel takes it (`make dist`): bundle.py MODEL FOLDER.

MODEL is a folder or an address such as models:/clfnews@champion. It has to load: what this version cannot use is not shipped.
"""

import shutil
import sys
from pathlib import Path

from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.reports.model_card import CARD, card_of
from clfnews.tracking.bundled import FOLDER, PACKAGE
from clfnews.tracking.find import find_filter

ABOUT = '"""The filter that clfnews uses where nothing has been trained; its card is filter/README.md."""\n'


def bundle(model: str, into: Path) -> Path:
    """Returns the folder of the package; raises `UserError` for what is no whole filter of this version."""
    found = find_filter(model).folder
    PageFilter.load(found)
    package = into / PACKAGE
    if package.exists():
        shutil.rmtree(package)
    shutil.copytree(found, package / FOLDER)
    (package / FOLDER / CARD).write_text(card_of(found), encoding="utf-8")
    (package / "__init__.py").write_text(ABOUT, encoding="utf-8")
    return package


if __name__ == "__main__":
    try:
        print(bundle(sys.argv[1], Path(sys.argv[2])))
    except UserError as error:
        sys.exit(f"clfnews: {error}")
