"""The HTML that all pages of ``splatc view`` are: an element that a script makes a viewer, or a gallery, of."""

from __future__ import annotations

import html

_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{policy}<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}
</head>
<body class="splat-page">
<main id="viewer"></main>
<noscript>These pictures are drawn by JavaScript, which is switched off here.</noscript>
"""
END = "</body>\n</html>\n"


def begin(title: str, head: str, policy: str = "") -> str:
    """All up to the scripts at the end of the body, which `END` follows.

    Args:
        title: Text.
        head: HTML: where style and script are.
        policy: The Content-Security-Policy, where no server sends it.
    """
    element = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n' if policy else ""
    return _DOCUMENT.format(policy=element, title=html.escape(title), head=head)
