"""The SAML provider as a site of its own, for stories in a browser: a page to sign in on, and one to leave from."""

import html
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.sso.saml_idp import SamlIdp

PAGE = "<!doctype html><title>Corp</title><h1>{title}</h1>{body}"
SIGN_IN = '<form method="post" action="/answer?{query}"><button>Sign in at Corp</button></form>'
GO_BACK = (
    '<form method="post" action="{acs}"><input type="hidden" name="SAMLResponse" value="{answer}">'
    '<input type="hidden" name="RelayState" value="{state}"><button>Go on</button></form>'
    "<script>document.forms[0].submit()</script>"
)


class Site(ThreadingHTTPServer):
    """Knows one service provider, by the metadata it publishes at `sp`."""

    idp: SamlIdp
    sp: str

    def metadata_of_sp(self) -> str:
        """What the service provider says of itself."""
        return httpx.get(f"{self.sp}/metadata/", trust_env=False).raise_for_status().text


class Pages(BaseHTTPRequestHandler):
    """The provider's pages."""

    server: Site

    def do_GET(self) -> None:
        """`/sso`: somebody is sent here. `/leave`: somebody leaves here. Anything else says good-bye."""
        where = urlsplit(self.path)
        if where.path == "/sso":
            return self._say("Corp", SIGN_IN.format(query=html.escape(where.query)))
        if where.path == "/leave":
            slo = f"{self.server.sp}/slo/"
            sent = self.server.idp.logout_request(self.server.metadata_of_sp(), slo)
            return self._go(f"{slo}?{sent}")
        return self._say("Signed out at Corp", "")

    def do_POST(self) -> None:
        """`/answer`: the signed answer to what was asked, on a page that sends itself."""
        query = urlsplit(self.path).query
        answer = self.server.idp.answer(self.server.metadata_of_sp(), f"/sso?{query}")
        state = parse_qs(query).get("RelayState", [""])[0]
        body = GO_BACK.format(acs=f"{self.server.sp}/acs/", answer=answer, state=html.escape(state))
        self._say("One moment", body)

    def _say(self, title: str, body: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.format(title=title, body=body).encode())

    def _go(self, where: str) -> None:
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@contextmanager
def serving(idp: SamlIdp, *, sp: str) -> Iterator[SamlIdp]:
    """The provider on a free port of 127.0.0.1, until the block ends; its entity id is that address."""
    site = Site(("127.0.0.1", 0), Pages)
    idp.entity_id = f"http://127.0.0.1:{site.server_port}"
    site.idp, site.sp = idp, sp
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield idp
    finally:
        site.shutdown()
        site.server_close()
        thread.join()
