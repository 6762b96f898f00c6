"""The documents say what is: links arrive, the map and the tables are whole, examples run.

`python tests/unit/test_docs.py` writes the README's configuration table anew.
"""

from __future__ import annotations

import ast
import asyncio
import getpass
import inspect
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import pytest

from dragoman.building import dialect_models
from dragoman.settings import describe

if TYPE_CHECKING:
    from tests.running import Running

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "dragoman"
README = ROOT / "README.md"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *PACKAGE.rglob("*.md")})
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
MARKS = re.compile(r"(?<=<!-- settings: )(.*?-->\n).*?(?=<!-- end of settings -->)", re.DOTALL)

MARKDOWN_LINK = re.compile(r"\[[^\]\n]*\]\((?!https?://|mailto:)([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read(path: Path) -> str:
    """A document's text."""
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """A document's text without its blocks of code."""
    return FENCE.sub("", read(path))


def blocks(path: Path, language: str) -> list[str]:
    """The blocks of code in a language."""
    return [text for name, text in FENCE.findall(read(path)) if name == language]


def anchors(path: Path) -> set[str]:
    """What a document's headings can be linked by, as GitHub makes it of them."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def settings_table() -> str:
    """The configuration table: a row for each setting, in the order of the models."""
    rows = ["| setting | what it may be | default | meaning |", "| --- | --- | --- | --- |"]
    for each in describe(dialect_models()):
        name = each.env if each.name == "config" else each.name
        default = f"`{each.default}`" if each.default else ""
        meaning = each.text.removesuffix(".").replace("<", "&lt;")
        rows.append(f"| `{name}` | {each.type} | {default} | {meaning} |")
    return "\n".join(["", *rows, "", ""])


def with_settings(text: str) -> str:
    """The README with its configuration table as it ought to be."""
    return MARKS.sub(lambda match: match[1] + settings_table(), text)


def test_the_configuration_table_is_current() -> None:
    """The README's table lists every setting there is, as the settings describe themselves."""
    assert len(MARKS.findall(read(README))) == 1
    assert read(README) == with_settings(read(README)), "python tests/unit/test_docs.py writes it anew"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_arrives(document: Path) -> None:
    """A relative link leads to a file of the repository, and to a heading in it if it names one."""
    for link in MARKDOWN_LINK.findall(prose(document)):
        place, _, anchor = link.partition("#")
        target = (document.parent / place).resolve() if place else document
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_a_registry(document: Path) -> None:
    """Where packages come from is for whoever installs to say: no document names a registry's host."""
    registries = (
        r"(?i)\b(pypi|pythonhosted|npmjs|rubygems|crates|maven|nuget|packagist|golang)\.(org|com|io)\b"
    )
    assert re.findall(registries, read(document)) == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_decision_is_a_page(record: Path) -> None:
    """A decision record fits on a page, and says its number, status, context, decision, consequences and check."""
    lines = read(record).splitlines()
    assert len(lines) <= 60
    assert lines[0].startswith(f"# {int(record.name[:4])}. ")
    assert lines[2].startswith("**Status:** ")
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert headings == ["Context", "Decision", "Consequences", "Check"]


def test_the_index_of_decisions_is_complete() -> None:
    """Every decision is in the index, under its own title, in the order of the numbers, which have no gaps."""
    listed = re.findall(
        r"^\| (\d+) \| \[(.+)\]\((.+)\) \|$", read(RECORDS[0].parent / "README.md"), re.MULTILINE
    )
    titles = [read(record).splitlines()[0].removeprefix("# ").split(". ", 1) for record in RECORDS]
    assert [(int(number), title, name) for number, title, name in listed] == [
        (int(number), title, record.name) for (number, title), record in zip(titles, RECORDS, strict=True)
    ]
    assert [int(number) for number, _ in titles] == list(range(1, len(RECORDS) + 1))


def test_documents_that_the_code_names_are_there() -> None:
    """A comment that sends its reader to a document sends nobody astray."""
    named = {name for file in PACKAGE.rglob("*.py") for name in re.findall(r"docs/[\w/.-]+\.md", read(file))}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def mapped() -> Iterator[str]:
    """The files and folders of the map in docs/architecture.md, as paths below the package."""
    block = next(
        text for text in blocks(ROOT / "docs/architecture.md", "text") if text.startswith("src/dragoman/")
    )
    folders: list[str] = []
    for line in filter(None, block.splitlines()[1:]):
        depth = (len(line) - len(line.lstrip())) // 2 - 1
        name = line.split()[0]
        del folders[depth:]
        yield "".join([*folders, name])
        if name.endswith("/"):
            folders.append(name)


def modules() -> set[str]:
    """The package's modules, as paths below it: what git knows of, so that a draft beside them counts for nothing."""
    asked = ["git", "-C", str(PACKAGE), "ls-files", "--", "*.py"]
    known = (
        subprocess.run(asked, capture_output=True, text=True, check=False) if shutil.which("git") else None
    )
    if known is None or known.returncode != 0:  # a copy without its history
        return {str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.py")}
    return {name for name in known.stdout.splitlines() if (PACKAGE / name).exists()}


def test_the_map_is_the_house() -> None:
    """docs/architecture.md has every module and folder of the package, and none that is not there."""
    there = {name for name in modules() if not name.startswith("migrations/versions/")}
    packages = {f"{Path(name).parent}/" for name in there if name.endswith("/__init__.py")}
    plain = {name for name in there if not name.endswith("__init__.py")}
    assert set(mapped()) == plain | packages | {"migrations/versions/"}


def test_the_glossary_is_in_order() -> None:
    """The glossary's terms stand in the order of the alphabet, each once."""
    terms = re.findall(r"^\*\*(.+?)\*\*", read(ROOT / "docs/glossary.md"), re.MULTILINE)
    assert terms == sorted(set(terms), key=str.lower)


def verbs() -> Mapping[str, set[str]]:
    """Every verb of the command line as it is typed, with its options; groups of verbs too."""
    import typer

    from dragoman.cli import app

    found: dict[str, set[str]] = {}

    def walk(command: Any, typed: str) -> None:
        names = {
            name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        found[typed] = {"--help", *names}
        for name, child in getattr(command, "commands", {}).items():
            walk(child, f"{typed} {name}")

    walk(typer.main.get_command(app), "dragoman")
    return found


def typed_in(document: Path) -> Iterator[list[str]]:
    """The words of every `dragoman …` that a document shows, up to the blanks before an explanation."""
    shown = re.findall(r"`(dragoman [a-z-][^`\n]*)`", prose(document))
    for _, block in FENCE.findall(read(document)):
        shown += re.findall(r"^\s*(?:\$ )?(?:\S*/)?(dragoman [a-z].*)$", block, re.MULTILINE)
    for line in shown:
        yield shlex.split(line.partition("  ")[0], comments=True)


def test_the_command_line_has_what_the_documents_type() -> None:
    """Every verb and option of `dragoman` that a document shows exists; "a | b" are verbs of one group."""
    known = verbs()
    shown = [(document.name, words) for document in DOCUMENTS for words in typed_in(document)]
    assert len(shown) > 20
    for place, words in shown:
        verb, rest = "dragoman", [word for word in words[1:] if word != "|"]
        while rest and f"{verb} {rest[0]}" in known and "|" not in words:
            verb, rest = f"{verb} {rest[0]}", rest[1:]
        if "|" in words:
            verb, rest = f"dragoman {rest[0]}", rest[1:]
        is_group = any(other.startswith(f"{verb} ") for other in known)
        unknown = [
            word for word in rest if is_group and not word.startswith("--") and f"{verb} {word}" not in known
        ]
        unknown += [
            word for word in rest if word.startswith("--") and word.partition("=")[0] not in known[verb]
        ]
        assert unknown == [], (place, words)


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    """docs/operations.md lists every exit code, and none besides."""
    from dragoman.cli.failures import Code

    section = read(ROOT / "docs/operations.md").partition("## Exit codes")[2]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [
        code.value for code in Code
    ]


def test_examples_in_python_are_python() -> None:
    """Every Python block of the documents can be compiled, `await` at its top allowed."""
    for document in DOCUMENTS:
        for block in blocks(document, "python"):
            compile(block, document.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_readme_signs_in(
    sqlite_server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's first sign-in from Python works as it is printed, at once and awaited."""
    from tests.fakes import PASSWORD
    from tests.people import somebody

    somebody(sqlite_server.core, "me@example.org", display_name="Me")
    monkeypatch.setattr(getpass, "getpass", lambda: PASSWORD)
    at_once, awaited = (
        b.replace("http://127.0.0.1:8080", sqlite_server.url) for b in blocks(README, "python")
    )
    scope: dict[str, Any] = {"password": PASSWORD}
    exec(at_once, scope)  # noqa: S102 - the point of the test
    assert capsys.readouterr().out == "Me\n"
    exec(f"async def sign_in():\n{indent(awaited, '    ')}    return me\n", scope)  # noqa: S102
    assert inspect.iscoroutinefunction(scope["sign_in"])
    assert asyncio.run(scope["sign_in"]()).email == "me@example.org"


if __name__ == "__main__":
    README.write_text(with_settings(read(README)), encoding="utf-8")
