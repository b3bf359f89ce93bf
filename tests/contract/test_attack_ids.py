"""The attacks that the server has to withstand, and that each of them is tried by a test which bears its id."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DECISION = TESTS.parent / "docs" / "decisions" / "0011-attacks-that-do-not-apply-yet.md"

ATTACKS = {
    "A1": "another tenant's session is read, posted to, tailed, listed, archived",
    "A2": "another tenant's agent is named in a body",
    "A3": "one's own session with a turn or an image of somebody else",
    "A4": "a child under the wrong parent",
    "A5": "another list's or tenant's page cursor, or a forged one",
    "A6": "a query that lost its tenant",
    "A7": "a pooled connection that remembers a tenant",
    "A8": "two tenants with the same ids, titles and texts",
    "A9": "telling an existing foreign id from none by time or by queries",
    "A10": "a suspended tenant's open tail",
    "A11": "ids that are something else to a path, a key or a pattern",
    "A12": "guessing ids, counting objects",
    "B1": "a token without an algorithm",
    "B2": "a token signed with the public key as a shared secret",
    "B3": "a token that brings its own key, or says where to fetch it",
    "B4": "a key id that is unknown, a path, SQL, huge, or no string",
    "B5": "a token of another algorithm",
    "B6": "a token for another audience",
    "B7": "the issuer of one Microsoft tenant with the id of another",
    "B8": "versions 1.0 and 2.0 mixed",
    "B9": "an issuer that only looks like the right one",
    "B10": "a tenant id that is none, or everybody's",
    "B11": "a key that is another issuer's",
    "B12": "a good token of an organisation that is not set up here",
    "B13": "times that are past, ahead, missing or absurd",
    "B14": "an ID token, a refresh token",
    "B15": "an application's token in a person's place, or a token without our scope",
    "B16": "a token that another application got",
    "B17": "guests, equal object ids, changed addresses",
    "B18": "extensions, repeated keys, nested and encrypted tokens",
    "B19": "tokens in other spellings, and of other sizes",
    "B20": "credentials twice, without a token, in the query",
    "B21": "keys that are rolled over",
    "B22": "a storm of unknown key ids",
    "B23": "a provider that answers wrongly, with too much, or with bad keys",
    "B24": "a person whose role was lowered, or who was locked out",
    "B25": "a tail that outlives its token",
    "C1": "keys that are random, cut, lengthened, misspelt",
    "C2": "a key of another environment",
    "C3": "timing near misses of a key",
    "C4": "a revoked key, and the tails that it opened",
    "C5": "requests that race a revocation",
    "C6": "expired and rotated keys, keys of an account that is gone",
    "C7": "a key that manages keys",
    "C8": "guessing keys from one address",
    "C9": "keys in logs and histories",
    "C10": "an account that ends while its turn runs",
    "S1": "a session token on other sessions and other routes",
    "S2": "a session token that mints or revokes",
    "S3": "verifiers, keys and issuers mixed up",
    "S4": "a token minted with more than the session has",
    "S5": "the platform minting for sessions that are not its own",
    "S6": "a token after its end",
    "S7": "tools of an end user's agent with another company's ids",
    "S8": "share tokens: guessed, altered, of agents that are gone",
    "D1": "another tenant's client_id from anyone but the platform",
    "D2": "one's own client_id from anyone but the platform",
    "D3": "a null client_id",
    "D4": "the relay's fields from anyone else",
    "D5": "both selectors of an agent, or none",
    "D6": "the platform choosing an agent",
    "D7": "a bot that is unknown, paused, or installed elsewhere",
    "D8": "a white-label bot with another tenant's client_id",
    "D9": "a Microsoft tenant that is linked to no, two, or foreign companies",
    "D10": "the platform on sessions that it did not open",
    "D11": "acting for suspended and unknown tenants",
    "D12": "making oneself the platform in a body",
    "D13": "bot ids in other spellings and types",
    "D14": "a channel that moves while a session is opened",
    "D15": "every combination of what a caller may name",
    "D16": "approvals by the wrong person, twice, or in a race",
    "E1": "half of a surrogate pair, NUL, control characters",
    "E2": "numbers that JSON does not have",
    "E3": "numbers out of range, and of the wrong type",
    "E4": "bodies that are deep, wide, or long",
    "E5": "bodies over the limit, however they come",
    "E6": "repeated keys",
    "E7": "other media types and encodings",
    "E8": "heads that servers read differently, or that are too large",
    "E9": "paths in other spellings",
    "E10": "methods that a path does not take",
    "E11": "line ends in whatever could become a header",
    "E12": "parameters and headers that are sent twice",
    "E13": "connections that trickle or do nothing",
    "E14": "messages at the limits, and in odd characters",
    "E15": "client message ids in odd forms",
    "E16": "forged forwarding headers",
    "G1": "paths of images that were never issued",
    "G2": "paths that begin like an issued one",
    "G3": "paths of another session or tenant",
    "G4": "images that are missing, replaced, or changed after the check",
    "G5": "too many images, the same twice, none",
    "G6": "content of another type",
    "G7": "polyglots",
    "G8": "decompression bombs",
    "G9": "broken images and countless frames",
    "G10": "metadata and hidden text",
    "G11": "an upload URL used for something else",
    "G12": "content that is swapped after the check",
    "G13": "filling the store",
    "G14": "file names",
    "G15": "a download that is a page",
    "H1": "text that breaks out of its event",
    "H2": "cursors that are none",
    "H3": "two cursors",
    "H4": "cursors of other sessions, and walking them",
    "H5": "a cursor in the future",
    "H6": "tails without number",
    "H7": "a stolen session id",
    "H8": "rights that are lost in mid tail",
    "H9": "other origins, and cookies",
    "H10": "proxies and caches",
    "H11": "everybody coming back at once",
    "I1": "a signed URL with anything changed",
    "I2": "a signature that is cut, respelt, or of another purpose",
    "I3": "a signed URL after its end, or without one",
    "I4": "mail scanners that follow links",
    "I5": "an answer that is sent twice",
    "I6": "links from before a change of secrets",
    "I7": "links that leak by referrer or log",
    "I8": "feedback that is a script or a formula",
}
COUNTS = {"A": 12, "B": 25, "C": 10, "S": 8, "D": 16, "E": 16, "G": 15, "H": 11, "I": 8}

# What is attacked does not exist yet.
NOT_YET = {
    "S7": "agents have no tools",
    "S8": "agents are not shared by link",
    "D16": "nothing is approved",
    "I4": "there is no feedback page",
    "I5": "there is no feedback page",
    "I7": "there is no feedback page",
    "I8": "there is no feedback page",
}
# Answered otherwise than is usual, for a reason.
OTHERWISE = ("A5", "A12", "C5", "C6", "C8", "C10", "E1", "E3", "E8", "H2", "H5", "H6", "H11", "S1", "S6")

ID = re.compile(r"[A-IS]\d{1,2}")
# `test_d5_e3_...`, and `"E3-4000-digits"` or `"G8-G9-bomb"` where tests are named by what they are given.
LABEL = re.compile(r"((?:[A-IS]\d{1,2}-)+)")


def ids_in(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield from (word.upper() for word in node.name.split("_") if ID.fullmatch(word.upper()))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            label = LABEL.match(node.value)
            yield from label[1].rstrip("-").split("-") if label else ()


@pytest.fixture(scope="module")
def tried() -> set[str]:
    files = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts]
    return {one for path in files if path != Path(__file__) for one in ids_in(path.read_text())}


def test_the_list_is_whole() -> None:
    assert list(ATTACKS) == [
        f"{kind}{number}" for kind, most in COUNTS.items() for number in range(1, most + 1)
    ]


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_tried_by_a_test_of_its_name(tried: set[str], attack: str) -> None:
    assert (attack in tried) != (attack in NOT_YET), ATTACKS[attack]


def test_the_decision_explains_what_does_not_apply_and_what_is_answered_otherwise() -> None:
    said = set(re.findall(r"`([A-IS]\d{1,2})`", DECISION.read_text()))

    assert said == {*NOT_YET, *OTHERWISE}
