"""The outline of an HTML page: its elements, and tags that do not match."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Outline(HTMLParser):
    """Elements with their attributes and text; notes tags that do not match."""

    def __init__(self):
        super().__init__()
        self.elements, self.open, self.problems = [], [], []

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "attributes": dict(attributes), "text": ""}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()["tag"] != tag:
            self.problems.append(tag)

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def of(self, *tags):
        return [element for element in self.elements if element["tag"] in tags]


def outline_of(page):
    """Read a page, as a reader sees it: a space that does not break is a space."""
    outline = Outline()
    outline.feed(page.replace("\N{NO-BREAK SPACE}", " "))
    outline.close()
    return outline
