"""The artifact of a pull request is hostile: only harmless text comes out of it."""

from __future__ import annotations

import io
import re
import stat
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from untrusted_report import MOST_TEXT, MOST_ZIPPED, RefusedError, defused, read_report

JOINER = "\u2060"


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return stream.getvalue()


def test_the_report_is_read():
    """One file of the expected name is the report."""
    assert read_report(zipped(("report.md", "größer ✓".encode()))) == "größer ✓"


def test_what_is_not_utf_8_is_replaced():
    """A report of other bytes is shown as far as it can be."""
    assert read_report(zipped(("report.md", b"a\xff\xfeb"))) == "a\ufffd\ufffdb"


def _link() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("report.md")
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip", "not a readable zip"),
        (b"", "not a readable zip"),
        (zipped(("report.md", b"x"))[:-8], "not a readable zip"),
        (zipped(), "does not hold one file"),
        (zipped(("Report.md", b"x")), "does not hold one file"),
        (zipped(("report.md", b"x"), ("other.md", b"y")), "does not hold one file"),
        (zipped(("../report.md", b"x")), "does not hold one file"),
        (zipped(("/etc/report.md", b"x")), "does not hold one file"),
        (zipped(("folder/report.md", b"x")), "does not hold one file"),
        (zipped(("report.md/", b"")), "does not hold one file"),
        (zipped((_link(), b"/etc/passwd")), "not a regular file"),
        (zipped(("report.md", b"0" * (MOST_TEXT + 1))), f"more than {MOST_TEXT} bytes"),
        (b"0" * (MOST_ZIPPED + 1), f"more than {MOST_ZIPPED} bytes"),
    ],
)
def test_another_artifact_is_refused(content, reason):
    """Another name, a path, a link, too many bytes, or no zip: the reason quotes nothing of it."""
    with pytest.raises(RefusedError, match=reason):
        read_report(content)


def test_two_files_of_one_name_are_refused():
    """A zip may list a name twice, and programs differ in which they take."""
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("report.md", b"x"), ("report.md", b"y"))
    with pytest.raises(RefusedError, match="does not hold one file"):
        read_report(content)


def test_a_bomb_is_read_to_the_limit_only():
    """A zip whose file declares one byte and unpacks to more is refused."""
    content = bytearray(zipped(("report.md", b"0" * 10 * MOST_TEXT)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = content.index(signature) + offset
        content[start : start + 4] = (1).to_bytes(4, "little")
    with pytest.raises(RefusedError):
        read_report(bytes(content))


def test_an_encrypted_file_is_refused():
    """No password is asked for."""
    content = bytearray(zipped(("report.md", b"x")))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[content.index(b"PK\x03\x04") + 6] |= 1
    with pytest.raises(RefusedError, match="encrypted"):
        read_report(bytes(content))


class _Seen(HTMLParser):
    """The tags of a page, their attributes, and the text outside of code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text = ""
        self.code = 0

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= set(attrs)
        self.code += tag == "code"

    def handle_endtag(self, tag):
        self.code -= tag == "code"

    def handle_data(self, data):
        if not self.code:
            self.text += data

    def handle_comment(self, data):
        self.tags.add("comment")


ALLOWED = {
    *("h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "code", "strong"),
    *("table", "thead", "tbody", "tr", "th", "td", "hr"),
}
LINKED = re.compile(
    r"[@#][\w/-]|://|www\.|(?<![0-9a-zA-Z])[0-9a-f]{7,}(?![0-9a-zA-Z])|(?i:gh|cve)-"
)


def seen(text: str) -> _Seen:
    page = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser = _Seen()
    parser.feed(page.render("\n".join(defused(text))))
    parser.close()
    return parser


def assert_harmless(text: str) -> None:
    page = seen(text)
    assert page.tags <= ALLOWED, text
    assert all(name in {"style", "start"} for name, _ in page.attributes), text
    assert not LINKED.search(page.text), text


NASTY = [
    *("<img src=x>", "<!-- tonegap: pull request report -->", "<script>", "</td>", "<a href=//x>"),
    *("![a](http://x/y.png)", "[a](http://x)", "[a]: http://x", "[^1]", "[", "]", "(", ")", "!"),
    *("@somebody", "@org/team", "#12", "owner/name#3", "GH-7", "CVE-2026-1", "a@b.org"),
    *("http://x.org", "HTTPS://x.org", "www.x.org", "ftp://x", "0123456789abcdef", "::error::x"),
    *("`", "``", "```", "`a`", "`@b`", "**", "*", "_", "~~", "$", "\\", "\\\\", "&", "&#64;b"),
    *(
        "|",
        "\\|",
        "\\\\|",
        "| a | b |\n| --- | --- |\n",
        "---",
        "===",
        "# ",
        "> ",
        "- ",
        "+ ",
        "1. ",
    ),
    *(
        "\n",
        "\n\n",
        " ",
        "    ",
        "\t",
        "\r\n",
        "\u202e",
        "\u200b",
        "\u2060",
        "\x00",
        "e\u0301\u0301",
    ),
    *("a", "mse.gap", "0.18195", "é", "█", "<", ">", "ﬀ", "＠", "\u2028"),  # noqa: RUF001
]


@pytest.mark.parametrize("text", NASTY)
def test_each_trick_is_plain_text(text):
    """Alone, in a cell, in bold, in code, in a heading, in a list: nothing takes effect."""
    for frame in ("{}", "| a |\n| --- |\n| {} |", "**{}**", "`{}`", "## {}", "- {}", "a {} b"):
        assert_harmless(frame.format(text))


@given(st.lists(st.sampled_from(NASTY) | st.text(max_size=5), max_size=12).map("".join))
def test_no_combination_takes_effect(text):
    """Rendered by an independent parser, a report has only the tags of tables, lists and text."""
    assert_harmless(text)


@given(st.lists(st.sampled_from(NASTY), max_size=12).map("".join))
def test_a_pipe_never_ends_a_cell_within_code(text):
    """GitHub splits rows before it sees code, and reads two backslashes as one: no pipe stays."""
    for line in defused(text):
        for code in re.findall(r"`[^`]*`", line):
            assert "|" not in code


def test_the_report_keeps_its_form():
    """Headings, tables, bold verdicts, code and lists of an honest report stay."""
    text = (
        "## Title\n\n**The gate fails**: `mse.gap` rose.\n\n| metric | main |\n| --- | --- |\n"
        "| `mse.gap` | **0.1** |\n\n- `a.png`\n"
    )
    assert defused(text) == [
        *("### Title", "", "**The gate fails**: `mse.gap` rose.", "", "| metric | main |"),
        *("|---|---|", "| `mse.gap` | **0.1** |", "", "- `a.png`", ""),
    ]
    assert {"h3", "table", "strong", "code", "li"} <= seen(text).tags


def test_words_are_still_read():
    """What is defused looks the same: only joiners, which have no width, are added."""
    text = "ask @me about #1 at https://x.org & <b> 2 * 3 = 6 [sic] `a|b`"
    assert seen(text).text.replace(JOINER, "").strip() == text.replace("`a|b`", "").strip()
