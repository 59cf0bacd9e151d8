"""Renders Markdown on standard input as GitHub does and says, as JSON, what of it acts on its readers.

The renderer is GitHub's own fork of cmark with its extensions. What GitHub does after it (mentions, references)
it does on texts outside of code, so those are looked at one by one.
"""

import json
import re
import sys
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

source = sys.stdin.buffer.read().decode("utf-8")
options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
html = cmarkgfm.github_flavored_markdown_to_html(source, options)

VOID = {"img", "br", "hr", "input"}


class Reader(HTMLParser):
    """Collects the elements outside of code, and what texts outside of code call for."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.acting, self.wrong = [], [], [], []

    def in_code(self):
        return any(tag in ("code", "pre") for tag in self.open)

    def handle_starttag(self, tag, attributes):
        # Code stands wherever a text has it, so it is no part of the shape.
        if tag != "code" and not self.in_code():
            self.elements.append(" ".join([tag, *sorted(name for name, _value in attributes)]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, text):
        if not self.in_code():
            pattern = r"@[\w-]+|#\d+|\bGH-\d+|\w+://|\bwww\.|\$.*\$"
            self.acting += re.findall(pattern, text, re.I)


reader = Reader()
reader.feed(html)
reader.close()
json.dump(
    {
        "elements": reader.elements,
        "acting": reader.acting,
        "unbalanced": reader.wrong + reader.open,
        "html": html,
    },
    sys.stdout,
)
