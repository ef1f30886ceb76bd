"""How stories show proof of work, as `static/verso/proof.js` does."""

import base64
import json
from typing import Any

import altcha
from django.test import Client

CHALLENGE = "/account/challenge/"


def ask(client: Client | None = None) -> dict[str, Any]:
    """A challenge, as a browser asks for it."""
    answer = (client or Client()).get(CHALLENGE)
    assert answer.status_code == 200
    return dict(answer.json())


def solved(challenge: dict[str, Any], **changes: Any) -> str:
    """The solution as the form carries it."""
    found = altcha.solve_challenge(altcha.Challenge.from_dict(challenge))
    assert found is not None
    solution = {"counter": found.counter, "derivedKey": found.derived_key} | changes
    return base64.b64encode(json.dumps({"challenge": challenge, "solution": solution}).encode()).decode()


def proof(client: Client | None = None) -> str:
    """A fresh proof."""
    return solved(ask(client))
