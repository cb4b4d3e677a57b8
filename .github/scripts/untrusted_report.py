"""Read and defuse the report of a pull request, which anybody may have written.

The run that made it executes the pull request's own code, so its artifact can hold anything.
:func:`read_report` takes one text file of limited size out of the zip, in memory: nothing is
extracted. :func:`defused` keeps headings, tables, lists, bold text and code spans, and turns
everything else into plain text: no HTML, no links, no images, no mentions, no references.
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
import zipfile

NAME = "report.md"
MOST_ZIPPED = 1_000_000  # bytes
MOST_TEXT = 500_000  # bytes
LONGEST_LINE = 5_000  # characters

_ENCRYPTED = 0x1
_JOINER = "\u2060"  # takes no room, and ends what would be a link
_HEADING = re.compile(r"(#{1,6}) +(.*)")
_ITEM = re.compile(r"- +(.*)")
_RULE_OF_TABLE = re.compile(r"\|[\s:|-]+\|?")
_UNESCAPED_PIPE = re.compile(r"(?<!\\)\|")
_SPAN = re.compile(r"(`[^`]+`|\*\*[^*`]+\*\*)")
# Characters that Markdown or HTML gives a meaning; as entities they mean nothing.
_ENTITIES = str.maketrans({c: f"&#{ord(c)};" for c in "&<>\"'\\`*_[]~$|"})
# What GitHub links in plain text, entities or not: people, issues, commits, addresses.
_LINKED = (
    (re.compile(r"([@#])"), rf"\1{_JOINER}"),
    (re.compile(r":(?=//|:)"), f":{_JOINER}"),
    (re.compile(r"(?i)(www)(?=\.)"), rf"\1{_JOINER}"),
    (re.compile(r"(?i)(gh|ghsa|cve)(?=-)"), rf"\1{_JOINER}"),
    (re.compile(r"(?i)([0-9a-f]{6})(?=[0-9a-f])"), rf"\1{_JOINER}"),
)


class RefusedError(Exception):
    """The artifact is not what the report's workflow uploads. Messages quote nothing of it."""


def read_report(zipped: bytes) -> str:
    """Return the text of the artifact's only file.

    Parameters
    ----------
    zipped
        The artifact as GitHub gives it: a zip.

    Raises
    ------
    RefusedError
        If it is too large, no zip, or holds anything but one regular file ``report.md``.
    """
    if len(zipped) > MOST_ZIPPED:
        raise RefusedError(f"the artifact has more than {MOST_ZIPPED} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
            return _text(archive, _only_entry(archive))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, OSError, EOFError):
        raise RefusedError("the artifact is not a readable zip") from None


def _only_entry(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if len(entries) != 1 or entries[0].filename != NAME or entries[0].orig_filename != NAME:
        raise RefusedError(f"the artifact does not hold one file {NAME} and nothing else")
    kind = stat.S_IFMT(entries[0].external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise RefusedError(f"{NAME} is not a regular file")
    if entries[0].flag_bits & _ENCRYPTED:
        raise RefusedError(f"{NAME} is encrypted")
    return entries[0]


def _text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """Read an entry, whatever size it declares; replace what is not UTF-8."""
    with archive.open(entry) as stream:
        content = stream.read(MOST_TEXT + 1)
    if len(content) > MOST_TEXT:
        raise RefusedError(f"{NAME} has more than {MOST_TEXT} bytes")
    return content.decode("utf-8", errors="replace")


def defused(text: str) -> list[str]:
    """Return the report's lines as harmless Markdown."""
    lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
    return [_line(_visible(line)[:LONGEST_LINE].strip()) for line in lines]


def _visible(line: str) -> str:
    """Drop what has no width, reverses the text or stacks upon it; white space becomes blanks."""
    kept = (" " if c.isspace() else c for c in line)
    return "".join(c for c in kept if unicodedata.category(c)[0] not in "CM")


def _line(line: str) -> str:
    """Rebuild one line: what it is, and its words without any meaning of their own."""
    if line.startswith("|"):
        return _row(line)
    if heading := _HEADING.fullmatch(line):
        return f"{'#' * max(len(heading[1]), 3)} {_words(heading[2])}"
    if item := _ITEM.fullmatch(line):
        return f"- {_words(item[1])}"
    words = _words(line)
    return f"&#{ord(words[0])};{words[1:]}" if words[:1] in tuple("-+=") else words


def _row(line: str) -> str:
    if _RULE_OF_TABLE.fullmatch(line):
        return re.sub(r"\s", "", line)
    cells = _UNESCAPED_PIPE.split(line.strip("|"))
    return "| " + " | ".join(_words(cell.strip().replace("\\|", "|")) for cell in cells) + " |"


def _words(text: str) -> str:
    """Keep code spans and bold text; make the rest, and what they hold, plain."""
    return "".join(_piece(piece) for piece in _SPAN.split(text))


def _piece(piece: str) -> str:
    if _SPAN.fullmatch(piece):
        if piece.startswith("`"):  # holds no HTML, links or mentions; a pipe would end its cell
            return piece.replace("|", "¦")
        return f"**{_plain(piece[2:-2])}**"
    return _plain(piece)


def _plain(text: str) -> str:
    for pattern, broken in _LINKED:
        text = pattern.sub(broken, text)
    return text.translate(_ENTITIES)
