"""Every form that strangers can send counts what is sent to it."""

import re

from django.test import Client
from django.urls import get_resolver

from accounts import gate, throttling
from accounts.models import Tenant
from tests.house.test_the_plan import addresses

PARAMETER = re.compile(r"<(?:\w+:)?\w+>")


def public() -> list[tuple[str, object]]:
    found = addresses(get_resolver().url_patterns)
    return [(address, view) for address, view in found if gate.verdict_for(view) is gate.Mark.PUBLIC]


def test_every_public_view_that_takes_a_post_declares_a_limit(tenant: Tenant, client: Client) -> None:
    assert len(public()) > 20
    # `admin/login/` only leads to the one way in
    taking = [
        (a, view)
        for a, view in public()
        if a != "admin/login/" and client.post("/" + PARAMETER.sub("x", a)).status_code != 405
    ]
    assert [address for address, view in taking if not throttling.is_limited(view)] == []  # type: ignore[arg-type]
    assert {"contact/", "account/login/", "book/<slug:slug>/"} <= {address for address, _view in taking}
