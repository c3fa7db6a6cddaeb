"""Writes the documents as a small site: `make docs`, or `python docs/pages.py FOLDER`.

Pages stand as the documents do, so that their links hold; pictures come along, and a link to any other file
of the checkout becomes plain text. Needs the extra `docs`.
"""

import posixpath
import re
import shutil
import sys
from html import unescape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ("*.md", "docs/**/*.md", "examples/**/*.md", "templates/*.md", "benchmarks/*.md")
PICTURES = {".webp", ".png", ".svg"}

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 1rem 1rem 4rem }
nav { display: flex; flex-wrap: wrap; gap: 1.2rem; margin-bottom: 2rem }
img { max-width: 100%; background: #777 }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { border: 1px solid rgb(128 128 128 / .4); padding: .3rem .6rem; text-align: left }
th, td { vertical-align: top }
code, pre { font: .9em/1.45 ui-monospace, monospace; background: rgb(128 128 128 / .15) }
pre { padding: .8rem; overflow-x: auto } pre code { background: none }
"""


def slug(heading: str) -> str:
    """Return the anchor of a heading, as links in the documents name it."""
    plain = unescape(re.sub(r"<[^>]+>", "", heading))
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def page(name: str, documents: set[str]) -> tuple[str, set[str]]:
    """Return a document as a page, and the pictures it shows.

    Args:
        name: Its path in the checkout.
        documents: Paths of all that become pages.
    """
    import markdown2

    text = (ROOT / name).read_text(encoding="utf-8")
    body = str(markdown2.markdown(text, extras=["tables", "fenced-code-blocks", "cuddled-lists"]))
    body = re.sub(
        r"<(h\d)>(.*?)</\1>", lambda m: f'<{m[1]} id="{slug(m[2])}">{m[2]}</{m[1]}>', body, flags=re.DOTALL
    )
    folder, shown = posixpath.dirname(name), set()

    def within(target: str) -> str:
        return posixpath.normpath(posixpath.join(folder, target))

    def linked(match: re.Match[str]) -> str:
        path, hash_, anchor = match[1].partition("#")
        if "://" in path or not path or within(path) in documents:
            ending = path if "://" in path else re.sub(r"\.md$", ".html", path)
            return f'<a href="{ending}{hash_}{anchor}">{match[2]}</a>'
        return match[2]

    def drawn(match: re.Match[str]) -> str:
        if "://" not in match[1]:
            shown.add(within(match[1]))
        return match[0]

    body = re.sub(r'<a href="([^"]*)">(.*?)</a>', linked, body, flags=re.DOTALL)
    re.sub(r'<img src="([^"]*)"', drawn, body)
    up = "../" * name.count("/")
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    ways = {"reportgen": "README.html", "Documentation": "docs/README.html", "Changes": "CHANGELOG.html"}
    menu = "".join(f'<a href="{up}{to}">{word}</a>' for word, to in ways.items())
    menu += f'<a href="{up}../reportgen.html">Python</a>'
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
    name_of_it = title[1] if title else name
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{name_of_it}</title></head>'
        f"<body><nav>{menu}</nav><main>{body}</main></body></html>\n"
    ), shown


def write(folder: Path) -> Path:
    """Write all documents into a folder and return the page to open."""
    documents = {p.relative_to(ROOT).as_posix() for pattern in PATTERNS for p in ROOT.glob(pattern)}
    for name in sorted(documents):
        html, shown = page(name, documents)
        target = (folder / name).with_suffix(".html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(html, encoding="utf-8")
        for picture in shown:
            if Path(picture).suffix in PICTURES:
                (folder / picture).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / picture, folder / picture)
    return folder / "docs" / "README.html"


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
