"""OpenID Connect, our side of it: ask a provider who somebody is, and believe only what can be verified.

mozilla-django-oidc does the walk of the code flow; what it leaves open is closed here: issuer, audience, algorithm,
subject and times are checked, every doubt is a refusal, nothing is read from global settings, and no user is looked up
by e-mail. What comes out is a `Word`, and `accounts.provisioning` decides what it makes of somebody.
"""

from accounts.oidc.exchange import Exchange, exchange, same_person
from accounts.oidc.published import Metadata, discover, forget
from accounts.oidc.refusals import NotBelieved, NotFresh, OneFactorOnly, ProviderRefused
from accounts.oidc.signing_out import end_sessions, sign_out_address
from accounts.oidc.tokens import ALGORITHMS, verified
from accounts.oidc.words import Word, groups, legible, word

__all__ = [
    "ALGORITHMS",
    "Exchange",
    "Metadata",
    "NotBelieved",
    "NotFresh",
    "OneFactorOnly",
    "ProviderRefused",
    "Word",
    "discover",
    "end_sessions",
    "exchange",
    "forget",
    "groups",
    "legible",
    "same_person",
    "sign_out_address",
    "verified",
    "word",
]
