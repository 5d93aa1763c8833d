"""Write where the repository is into what needs an address: ``python .ci/address.py https://host/owner/convt v0.2.0``.

The sources name no address of their own. Who publishes a version does so from somewhere: its workflow runs this on its
checkout before the sdist is made, so that what an index shows has the project's links, and a description whose links and
pictures lead somewhere.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")


def main(root: Path, address: str, version: str) -> None:
    """Change the files of a checkout; `version` is a tag or commit."""
    if not re.fullmatch(r"https://[^/\s]+/\S+[^/\s]", address):
        raise SystemExit(f"address must be https://host/owner/name, got {address}")
    blob = f"{address}/blob/{version}"
    links = f"project_urls =\n    Source = {address}\n    Changelog = {blob}/CHANGELOG.md\n    Issues = {address}/issues\n"
    change(root / "setup.cfg", "license_expression =", links + "license_expression =")
    change(root / "CITATION.cff", "license:", f"repository-code: {address}\nlicense:")
    commits = json.dumps(f"{address}/commit/")
    change(root / "asv_benchmarks/asv.conf.json", '"show_commit_url": "#"', f'"show_commit_url": {commits}')
    readme = root / "README.md"
    readme.write_text(absolute(readme.read_text(encoding="utf-8"), blob, f"{address}/raw/{version}"), encoding="utf-8")


def absolute(markdown: str, pages: str, files: str) -> str:
    """Links outside code blocks that are relative to the repository lead to its pages, pictures to its files."""
    parts = re.split(r"(?ms)(^```.*?^```$)", markdown)
    parts[::2] = [LINK.sub(lambda found: _link(*found.groups(), pages, files), part) for part in parts[::2]]
    return "".join(parts)


def _link(picture: str, words: str, target: str, pages: str, files: str) -> str:
    return f"{picture}[{words}]({files if picture else pages}/{target})"


def change(path: Path, old: str, new: str) -> None:
    """Replace what must be there once."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) != 1:
        raise SystemExit(f"{path.name} must have {old!r} once, got it {text.count(old)} times")
    path.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    main(ROOT, *sys.argv[1:])
