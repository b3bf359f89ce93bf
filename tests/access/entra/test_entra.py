"""Microsoft Entra ID access tokens: what is let in, and everything that is not."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding

from neo.access import Unauthenticated
from neo.access.entra.key_source import KeysNotFetched
from neo.access.errors import (
    ClientApplicationNotAllowed,
    CredentialLapsed,
    DelegatedTokenNeeded,
)
from neo.cli.dev_issuer.tokens import AUDIENCE, CLIENT_ID, metadata
from support.issuer import OID, OTHER_TID, TID, V1_AUDIENCE, Issuer, Sign, b64, compact, rsa_key

Forge = Callable[[Issuer], str]

GRAPH = "00000003-0000-0000-c000-000000000000"
OTHER_APPLICATION = "0ddba11e-0000-4000-8000-000000000000"
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
KEY = {"kid": "good"}


def of_claims(*without: str, **changes: Any) -> Forge:
    return lambda issuer: issuer.token(*without, **changes)


def of_header(sign: Sign | None = None, **header: Any) -> Forge:
    return lambda issuer: compact({**KEY, **header}, issuer.claims(), sign=sign)


def of_text(change: Callable[[str], str]) -> Forge:
    return lambda issuer: change(issuer.token())


def of_tid(tid: str) -> Forge:
    return lambda issuer: issuer.token(tid=tid, iss=f"{issuer.url}/{tid}/v2.0")


def of_issuer(change: Callable[[str], str]) -> Forge:
    return lambda issuer: issuer.token(iss=change(issuer.claims()["iss"]))


def hs(name: str, secret: Callable[[], bytes]) -> Sign:
    return lambda signed: hmac.digest(secret(), signed, name)


def public(form: str) -> bytes:
    key = rsa_key("good")
    if form == "modulus":
        return base64.urlsafe_b64decode(str(key.as_dict()["n"]) + "==")
    return key.as_pem(private=False) if form == "pem" else key.as_der(private=False)


def es256(signed: bytes) -> bytes:
    ec.generate_private_key(ec.SECP256R1()).sign(signed, ec.ECDSA(hashes.SHA256()))
    return b"\1" * 64


def rsa_with(padded: Any, digest: hashes.HashAlgorithm) -> Sign:
    private = rsa_key("good").private_key
    assert private is not None
    return lambda signed: private.sign(signed, padded, digest)


def attacker_jwk() -> dict[str, Any]:
    return dict(rsa_key("attacker").as_dict(private=False))


def by_attacker(issuer: Issuer, header: str, value: Any = None) -> str:
    return compact({**KEY, header: value or f"{issuer.url}/evil"}, issuer.claims(), kid="attacker")


def repeated(part: dict[str, Any], name: str, value: Any) -> str:
    """JSON with one key twice, the harmless value last."""
    return f"{{{json.dumps(name)}: {json.dumps(value)}, {json.dumps(part)[1:]}"


def header_twice(issuer: Issuer) -> str:
    header = repeated({"typ": "JWT", "alg": "RS256", **KEY}, "alg", "none")
    return compact(header.encode(), issuer.claims())


def payload_twice(issuer: Issuer) -> str:
    return compact(KEY, repeated(issuer.claims(), "tid", str(OTHER_TID)))


def payload_with(name: str, raw: str) -> Forge:
    """A claim whose JSON no encoder writes."""
    return lambda issuer: compact(KEY, json.dumps(issuer.claims(**{name: "@"})).replace('"@"', raw))


def segment(number: int, change: Callable[[str], str]) -> Forge:
    def forge(issuer: Issuer) -> str:
        parts = issuer.token().split(".")
        parts[number] = change(parts[number])
        return ".".join(parts)

    return forge


def v2_with_v1_audience(issuer: Issuer) -> str:
    return issuer.token(aud=V1_AUDIENCE)


def concrete_key(issuer: Issuer) -> str:
    issuer.keys.append(issuer.jwk("concrete", issuer=f"{issuer.url}/{OTHER_TID}/v2.0"))
    return issuer.token(kid="concrete")


def eddsa(signed: bytes) -> bytes:
    return ed25519.Ed25519PrivateKey.generate().sign(signed)


UNAUTHENTICATED: dict[str, Forge] = {
    **{
        f"B1-alg-{alg or 'empty'}": of_header(lambda _: b"", alg=alg)
        for alg in ("none", "None", "nOnE", "NONE", "")
    },
    "B1-none-with-a-good-signature": of_header(alg="none"),
    "B1-empty-signature": of_header(lambda _: b""),
    "B1-no-signature-segment": of_text(lambda token: token.rpartition(".")[0] + "."),
    **{
        f"B2-{alg}-with-the-public-{form}": of_header(
            hs(f"sha{alg[2:]}", lambda form=form: public(form)),  # type: ignore[misc]
            alg=alg,
        )
        for alg in ("HS256", "HS384", "HS512")
        for form in ("pem", "der", "modulus")
    },
    "B3-attackers-key": lambda issuer: compact(KEY, issuer.claims(), kid="attacker"),
    "B3-jwk": lambda issuer: by_attacker(issuer, "jwk", attacker_jwk()),
    "B3-jku": lambda issuer: by_attacker(issuer, "jku"),
    "B3-x5u": lambda issuer: by_attacker(issuer, "x5u"),
    "B3-x5c": lambda issuer: by_attacker(issuer, "x5c", ["MIIB"]),
    "B3-jku-with-a-good-signature": of_header(jku="https://example.com/keys"),
    "B4-kid-unknown": of_header(kid="unknown"),
    "B4-kid-path": of_header(kid="../../x"),
    "B4-kid-sql": of_header(kid="' OR 1=1 --"),
    "B4-kid-nul": of_header(kid="good\0"),
    "B4-kid-1-mb": of_header(kid="k" * 1_000_000),
    "B4-kid-201-characters": of_header(kid="k" * 201),
    "B4-kid-list": of_header(kid=["good"]),
    "B4-kid-number": of_header(kid=1),
    "B4-kid-empty": of_header(kid=""),
    "B4-kid-missing": lambda issuer: compact({}, issuer.claims()),
    "B5-ES256": of_header(es256, alg="ES256"),
    "B5-PS256": of_header(
        rsa_with(padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()), alg="PS256"
    ),
    "B5-RS512": of_header(rsa_with(padding.PKCS1v15(), hashes.SHA512()), alg="RS512"),
    "B5-alg-list": of_header(alg=["RS256"]),
    "B5-alg-lower-case": of_header(alg="rs256"),
    "B6-graph": of_claims(aud=GRAPH),
    "B6-other-application": of_claims(aud=OTHER_APPLICATION),
    "B6-api-of-another": of_claims(aud=f"api://{OTHER_APPLICATION}"),
    "B6-list-with-ours-among-others": of_claims(aud=[str(AUDIENCE), GRAPH]),
    "B6-list-with-ours-twice": of_claims(aud=[str(AUDIENCE), str(AUDIENCE)]),
    "B6-empty-list": of_claims(aud=[]),
    "B6-list-in-a-list": of_claims(aud=[[str(AUDIENCE)]]),
    "B6-prefix-of-ours": of_claims(aud=str(AUDIENCE)[:-1]),
    "B6-ours-and-more": of_claims(aud=f"{AUDIENCE}/"),
    "B6-upper-case": of_claims(aud=str(AUDIENCE).upper()),
    "B6-missing": of_claims("aud"),
    "B7-issuer-of-one-tenant-tid-of-another": of_claims(tid=str(OTHER_TID)),
    "B8-v1-issuer-with-ver-2": of_claims(iss=f"https://sts.windows.net/{TID}/"),
    "B8-v2-issuer-with-ver-1": of_claims(ver="1.0"),
    "B8-v2-with-v1-audience": v2_with_v1_audience,
    "B8-v1-when-it-is-off": lambda issuer: compact(KEY, issuer.v1_claims()),
    "B8-v1-when-it-is-off-without-aud": lambda issuer: compact(
        KEY, {name: said for name, said in issuer.v1_claims().items() if name != "aud"}
    ),
    "B8-ver-3": of_claims(ver="3.0"),
    "B8-ver-number": of_claims(ver=2.0),
    "B8-ver-list": of_claims(ver=["2.0"]),
    "B8-ver-missing": of_claims("ver"),
    "B9-trailing-slash": of_issuer(lambda iss: f"{iss}/"),
    "B9-other-case": of_issuer(str.upper),
    "B9-other-cloud-us": of_claims(iss=f"https://login.microsoftonline.us/{TID}/v2.0"),
    "B9-other-cloud-cn": of_claims(iss=f"https://login.partner.microsoftonline.cn/{TID}/v2.0"),
    "B9-look-alike-host": of_claims(iss=f"https://login.microsoftonl1ne.com/{TID}/v2.0"),
    "B9-tenantid-literal": of_issuer(lambda iss: iss.replace(str(TID), "{tenantid}")),
    "B9-list": of_issuer(lambda iss: [iss]),  # type: ignore[arg-type, return-value]
    "B9-missing": of_claims("iss"),
    "B10-no-guid": of_tid("example.com"),
    "B10-missing": of_claims("tid"),
    "B10-common": of_tid("common"),
    "B10-organizations": of_tid("organizations"),
    "B10-tenantid-literal": of_tid("{tenantid}"),
    "B10-consumers": of_tid(CONSUMERS),
    "B10-upper-case": of_tid(str(TID).upper()),
    "B10-braces": of_tid(f"{{{TID}}}"),
    "B10-newline": of_tid(f"{TID}\n"),
    "B10-number": of_claims(tid=1),
    "B11-key-of-a-concrete-other-tenant": concrete_key,
    "B13-expired": lambda issuer: issuer.token(exp=int(time.time()) - 61),
    "B13-nbf-in-the-future": lambda issuer: issuer.token(nbf=int(time.time()) + 120),
    "B13-iat-in-the-future": lambda issuer: issuer.token(iat=int(time.time()) + 120),
    "B13-nbf-true": of_claims(nbf=True),
    "B13-nbf-negative": of_claims(nbf=-1),
    "B13-nbf-string": of_claims(nbf="0"),
    "B13-exp-missing": of_claims("exp"),
    "B13-exp-string": lambda issuer: issuer.token(exp=str(int(time.time()) + 600)),
    "B13-exp-1e400": payload_with("exp", "1e400"),
    "B13-exp-infinity": payload_with("exp", "Infinity"),
    "B13-exp-nan": payload_with("exp", "NaN"),
    "B13-exp-5000-digits": payload_with("exp", "9" * 4500),
    "B13-exp-negative": of_claims(exp=-1),
    "B13-exp-true": of_claims(exp=True),
    "B13-exp-year-9999": of_claims(exp=253_402_300_799),
    "B14-id-token": of_claims("scp", "azp", "azpacr"),
    "B14-refresh-token": lambda _: "0.AXoA" + "x" * 800,
    "B14-at-jwt": of_header(typ="at+jwt"),
    "B14-typ-list": of_header(typ=["JWT"]),
    "B18-crit-unknown": of_header(crit=["exp"], exp=1),
    "B18-crit-empty": of_header(crit=[]),
    "B18-b64-false": of_header(b64=False, crit=["b64"]),
    "B18-b64-false-without-crit": of_header(b64=False),
    "B18-repeated-header": header_twice,
    "B18-repeated-claim": payload_twice,
    "B18-nested": of_header(cty="JWT"),
    "B18-jwe": of_header(alg="RSA-OAEP", enc="A256GCM"),
    "B18-jwe-five-segments": lambda _: "e30.e30.e30.e30.e30",
    "B18-header-is-a-list": lambda issuer: compact(b"[]", issuer.claims()),
    "B18-payload-is-a-list": lambda _: compact(KEY, "[]"),
    "B18-header-nested-deeply": lambda issuer: compact(b"[" * 300, issuer.claims()),
    "B18-payload-nested-deeply": lambda _: compact(KEY, "[" * 4000),
    "B18-header-in-utf-16": lambda issuer: compact(
        json.dumps({"alg": "RS256", **KEY}).encode("utf-16"), issuer.claims()
    ),
    "B19-padding": of_text(lambda token: f"{token}=="),
    "B19-padded-header": segment(0, lambda part: f"{part}=="),
    "B19-whitespace": of_text(lambda token: f" {token}"),
    "B19-whitespace-inside": of_text(lambda token: token.replace(".", ". ")),
    "B19-newline": of_text(lambda token: f"{token}\n"),
    "B19-2-segments": of_text(lambda token: token.rpartition(".")[0]),
    "B19-5-segments": of_text(lambda token: f"{token}.e30.e30"),
    "B19-20-kb": of_claims(groups="g" * 20_000),
    "B19-non-ascii": of_text(lambda token: f"{token[:-1]}é"),
    "B19-other-alphabet": of_text(lambda token: f"{token[:-4]}+/+/"),
    "B19-a-changed-signature": segment(2, lambda part: ("A" if part[0] != "A" else "B") + part[1:]),
    "B19-a-changed-payload": segment(1, lambda part: b64(base64.urlsafe_b64decode(part + "==") + b" ")),
    "B20-empty": lambda _: "",
    "B20-dots": lambda _: "..",
    "oid-missing": of_claims("oid"),
    "oid-no-guid": of_claims(oid="ada"),
    "S3-signed-as-session-tokens-are": of_header(eddsa, alg="EdDSA"),
    "S3-our-secret-as-hmac-key": of_header(hs("sha256", lambda: b"n" * 32), alg="HS256"),
}

FORBIDDEN: dict[str, tuple[type[Exception], Forge]] = {
    "B15-application": (DelegatedTokenNeeded, of_claims("scp", idtyp="app", roles=["access_as_user"])),
    "B15-application-with-a-scope": (DelegatedTokenNeeded, of_claims(idtyp="app")),
    "B15-application-without-idtyp": (DelegatedTokenNeeded, of_claims("scp", roles=["Admin"])),
    "B15-device": (DelegatedTokenNeeded, of_claims(idtyp="device")),
    "B15-other-scope": (DelegatedTokenNeeded, of_claims(scp="User.Read")),
    "B15-scope-as-a-role": (DelegatedTokenNeeded, of_claims(scp="User.Read", roles=["access_as_user"])),
    "B15-part-of-a-scope": (DelegatedTokenNeeded, of_claims(scp="access_as_user.all not_access_as_user")),
    "B15-scope-list": (DelegatedTokenNeeded, of_claims(scp=["access_as_user"])),
    "B16-other-application": (ClientApplicationNotAllowed, of_claims(azp=OTHER_APPLICATION)),
    "B16-appid-does-not-count-in-v2": (
        ClientApplicationNotAllowed,
        of_claims(azp=OTHER_APPLICATION, appid=str(CLIENT_ID)),
    ),
}


@pytest.mark.parametrize("forge", UNAUTHENTICATED.values(), ids=UNAUTHENTICATED.keys())
async def test_a_token_that_is_not_good_is_401_and_makes_us_look_nowhere(
    issuer: Issuer, forge: Forge
) -> None:
    token = forge(issuer)
    verifier = issuer.verifier()
    await verifier.verify(issuer.token())

    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token)

    assert (issuer.key_requests, issuer.stray_requests) == (1, 0)
    assert not token or token not in refused.value.message


@pytest.mark.parametrize(("failure", "forge"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
async def test_a_good_token_that_is_not_enough_is_403(
    issuer: Issuer, failure: type[Exception], forge: Forge
) -> None:
    with pytest.raises(failure):
        await issuer.verifier().verify(forge(issuer))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"aud": [str(AUDIENCE)]}, id="B6-a-list-of-ours-alone"),
        pytest.param({"exp": int(time.time()) - 1, "nbf": 1, "iat": 1}, id="B13-within-the-leeway"),
        pytest.param({"scp": "User.Read access_as_user"}, id="B15-one-scope-of-two"),
        pytest.param({"idtyp": "user"}, id="B15-idtyp-user"),
        pytest.param({"idp": f"https://sts.windows.net/{OTHER_TID}/"}, id="B17-guest"),
        pytest.param({"preferred_username": "new@example.com", "upn": "n@e.com"}, id="B17-changed-address"),
    ],
)
async def test_what_may_differ_leaves_the_person_the_same(issuer: Issuer, changes: dict[str, Any]) -> None:
    if "exp" in changes:
        changes = {**changes, "exp": int(time.time()) - 50}

    person = await issuer.verifier().verify(issuer.token(**changes))

    assert (person.tid, person.oid) == (TID, OID)


async def test_a_person_is_told_by_tenant_and_object_id_with_roles_and_end(issuer: Issuer) -> None:
    said = issuer.claims(roles=["Admin", 1])

    person = await issuer.verifier().verify(compact(KEY, said))

    assert (person.tid, person.oid) == (TID, OID)
    assert (person.name, person.email) == ("Ada", "ada@example.com")
    assert (person.app_roles, person.expires_at) == (frozenset({"Admin"}), said["exp"])


@pytest.mark.parametrize("unfit", ["A\0", "A\n", "\ud800", "x" * 400, "", 1, ["Ada"]], ids=repr)
async def test_what_cannot_be_stored_or_shown_is_no_name(issuer: Issuer, unfit: Any) -> None:
    person = await issuer.verifier().verify(issuer.token(name=unfit, preferred_username=unfit, upn="a@b.c"))

    assert (person.name, person.email) == (None, "a@b.c")


async def test_a_name_may_be_written_as_its_owner_does(issuer: Issuer) -> None:
    name = "عاطفه\u200cسادات O’Núñez-李"

    assert (await issuer.verifier().verify(issuer.token(name=name))).name == name


async def test_B17_the_same_object_id_in_two_tenants_is_two_people(issuer: Issuer) -> None:  # noqa: N802
    verifier = issuer.verifier()
    there = f"{issuer.url}/{OTHER_TID}/v2.0"

    here, other = [
        await verifier.verify(issuer.token(**changes))
        for changes in ({}, {"tid": str(OTHER_TID), "iss": there})
    ]

    assert here.oid == other.oid
    assert here.tid != other.tid


async def test_an_expired_token_is_told_as_such(issuer: Issuer) -> None:
    with pytest.raises(CredentialLapsed):
        await issuer.verifier().verify(issuer.token(exp=int(time.time()) - 61))


async def test_a_key_without_an_issuer_signs_for_every_tenant(issuer: Issuer) -> None:
    del issuer.keys[0]["issuer"]

    assert (await issuer.verifier().verify(issuer.token())).tid == TID


async def test_metadata_of_one_tenant_lets_nobody_else_in(issuer: Issuer) -> None:
    only = f"{issuer.url}/{TID}/v2.0"
    issuer.metadata = {**metadata(issuer.url), "issuer": only}
    # Without an issuer of its own, so that only the metadata's binds the tenant.
    del issuer.keys[0]["issuer"]
    verifier = issuer.verifier()

    assert (await verifier.verify(issuer.token())).tid == TID
    for issued in (only, f"{issuer.url}/{OTHER_TID}/v2.0"):
        with pytest.raises(Unauthenticated):
            await verifier.verify(issuer.token(tid=str(OTHER_TID), iss=issued))


@pytest.mark.parametrize(
    ("changes", "is_guest"),
    [
        ({}, False),
        ({"acct": 0}, False),
        ({"acct": 1}, True),
        ({"acct": "1"}, True),
        ({"idp": f"https://sts.windows.net/{TID}/"}, False),
        ({"idp": f"https://sts.windows.net/{OTHER_TID}/"}, True),
        ({"acct": 0, "idp": "live.com"}, True),
    ],
)
async def test_who_belongs_to_another_organisation_is_a_guest(
    issuer: Issuer, changes: dict[str, Any], *, is_guest: bool
) -> None:
    person = await issuer.verifier().verify(issuer.token(**changes))

    assert person.is_guest is is_guest


async def test_where_customers_are_a_provider_on_this_machine_is_not_believed(issuer: Issuer) -> None:
    with pytest.raises(KeysNotFetched, match="safe `issuer`"):
        await replace(issuer.source, trusts_loopback=False).fetch()


async def test_v1_tokens_are_accepted_when_they_are_switched_on(issuer: Issuer) -> None:
    verifier = issuer.verifier(v1_audience=V1_AUDIENCE)

    people = [await verifier.verify(token) for token in (compact(KEY, issuer.v1_claims()), issuer.token())]

    assert [person.oid for person in people] == [OID, OID]


@pytest.mark.parametrize(
    ("failure", "changes"),
    [
        pytest.param(Unauthenticated, {"iss": "v2"}, id="B8-v2-issuer-with-ver-1"),
        pytest.param(Unauthenticated, {"ver": "2.0"}, id="B8-v1-issuer-with-ver-2"),
        pytest.param(Unauthenticated, {"aud": str(AUDIENCE)}, id="B8-v1-with-v2-audience"),
        pytest.param(Unauthenticated, {"tid": str(OTHER_TID)}, id="B7-v1"),
        pytest.param(Unauthenticated, {"appid": None, "azp": str(CLIENT_ID)}, id="B16-azp-does-not-count"),
        pytest.param(ClientApplicationNotAllowed, {"appid": OTHER_APPLICATION}, id="B16-appid"),
    ],
)
async def test_v1_tokens_keep_the_same_rules(
    issuer: Issuer, failure: type[Exception], changes: dict[str, Any]
) -> None:
    said = issuer.v1_claims(**changes)
    if said["iss"] == "v2":
        said["iss"] = issuer.claims()["iss"]

    with pytest.raises(failure):
        await issuer.verifier(v1_audience=V1_AUDIENCE).verify(compact(KEY, said))


async def test_v2_with_the_v1_audience_is_refused_with_v1_on_as_well(issuer: Issuer) -> None:
    with pytest.raises(Unauthenticated):
        await issuer.verifier(v1_audience=V1_AUDIENCE).verify(v2_with_v1_audience(issuer))
