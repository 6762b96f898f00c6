"""Keys that sign tokens: one algorithm for a dialect, the newest key signs, older ones verify for a while.

A token is a JWS in compact form (RFC 7515) over claims (RFC 7519). It is a name and no more: whether what it
names still lives is for the database to say. Private halves are sealed; unsealed ones stay in this process.
Which keys verify is read again after a second, so a key that is withdrawn is refused everywhere by then.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    Column,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)

from dragoman.core import audit
from dragoman.core.columns import Bag, Instant, Sealed, metadata
from dragoman.core.database import AnyRow, insert
from dragoman.core.errors import SessionRefused, TooMany
from dragoman.core.prepared import Prepared
from dragoman.core.secrets import Digest, Secret, digest

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OctKey
    from sqlalchemy import BindParameter, ColumnElement

    from dragoman.core.principals import Principal
    from dragoman.core.work import UnitOfWork

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(32), primary_key=True),
    Column("dialect", String(32), nullable=False),
    # The highest number signs; unique, so that of two that race to add a key one wins.
    Column("number", Integer, nullable=False),
    Column("algorithm", String(16), nullable=False),
    Column("private", Sealed, nullable=False),
    Column("public", Bag),  # a JWK (RFC 7517); a key that both signs and verifies has no public half
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    Column("gone_at", Instant, index=True),
    UniqueConstraint("dialect", "number"),
)

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
MOST_BELIEVED = 4096  # tokens whose signature need not be verified again: a few MB
MOST = 16  # keys of a dialect that verify at one time
LONGEST = 4096  # characters of a token
FRESH = timedelta(seconds=1)
# Another node may have picked its key just before it was retired, and its clock may be ahead.
SLACK = timedelta(minutes=1)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-5, SP 800-186


@dataclass(frozen=True)
class Signing:
    """How a dialect signs: its one algorithm, how long its tokens live, and whether they name their key."""

    algorithm: Literal["HS256", "ES256"]
    lifetime: timedelta
    names_key: bool = True


@dataclass(frozen=True)
class SigningKey:
    """A key as it is shown: retired, it verifies what it signed until `gone_at`. Dates in UTC."""

    kid: str
    dialect: str
    algorithm: str
    created_at: datetime
    retired_at: datetime | None
    gone_at: datetime | None


@dataclass(frozen=True)
class Unsealed:
    """A key ready for use."""

    kid: str
    algorithm: str
    gone_at: datetime | None
    public: Mapping[str, Any] | None
    key: ECKey | OctKey = field(repr=False)

    def verifies(self, now: datetime) -> bool:
        """Whether tokens of this key are still good."""
        return self.gone_at is None or self.gone_at > now


@dataclass(frozen=True)
class Ring:
    """The keys of a dialect that verified when they were read, the oldest first."""

    read_at: datetime
    keys: Mapping[str, Unsealed]


@dataclass(frozen=True)
class Believed:
    """A token whose signature was good: by which key, and what it says. Whether the key still counts is not said."""

    kid: str
    claims: Mapping[str, Any] = field(repr=False)


class Keyring:
    """What one process has unsealed: a ring for each dialect, no more than `MOST` keys in it."""

    def __init__(self) -> None:
        self._rings: dict[str, Ring] = {}
        self._believed: dict[Digest, Believed] = {}

    def get(self, dialect: str) -> Ring | None:
        """The ring of a dialect, if there is one."""
        return self._rings.get(dialect)

    def put(self, dialect: str, ring: Ring) -> None:
        """Replace the ring of a dialect."""
        self._rings[dialect] = ring

    def believed(self, token: Digest) -> Believed | None:
        """What is known of a token whose signature was good here."""
        return self._believed.get(token)

    def believe(self, token: Digest, said: Believed) -> None:
        """Remember a token whose signature is good. When there are too many, the others are forgotten."""
        if len(self._believed) >= MOST_BELIEVED:
            self._believed = {}
        self._believed[token] = said

    def forget(self, dialect: str) -> None:
        """Read the ring of a dialect anew when it is wanted next."""
        self._rings.pop(dialect, None)


def _still_verifies(at: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(signing_keys.c.gone_at.is_(None), signing_keys.c.gone_at > at)


_OF_DIALECT = select(signing_keys).where(signing_keys.c.dialect == bindparam("dialect"))
_NEWEST = _OF_DIALECT.order_by(signing_keys.c.number.desc()).limit(1)
_NEWEST_KID = Prepared(_NEWEST.with_only_columns(signing_keys.c.kid))
_VERIFYING = (
    _OF_DIALECT.where(_still_verifies(bindparam("now", type_=Instant)))
    .order_by(signing_keys.c.number)
    .limit(MOST)
)


def sign(
    uow: UnitOfWork, signing: Signing, claims: Mapping[str, Any], *, lifetime: timedelta | None = None
) -> Secret:
    """A token of these claims, with `iat` and `exp` (RFC 7519 §4.1) after them, by the dialect's newest key.

    It lives as long as the dialect's do, or for a shorter `lifetime`. For units that write: where there is no key
    yet, or one of another algorithm, a key is made.
    """
    from joserfc.jws import default_registry  # noqa: PLC0415 - 80 ms of a start that may never sign

    newest = _current(uow, signing)
    dated = {
        **claims,
        "iat": int(uow.now.timestamp()),
        "exp": int((uow.now + (signing.lifetime if lifetime is None else lifetime)).timestamp()),
    }
    signed = _header(signing, newest.kid) + b"." + _in_base64(_JSON.encode(dated).encode())
    # To have the library look at a header that we made would cost as much as to sign.
    signature = default_registry.get_alg(signing.algorithm).sign(signed, newest.key)
    return Secret((signed + b"." + _in_base64(signature)).decode())


@lru_cache(maxsize=MOST)
def _header(signing: Signing, kid: str) -> bytes:
    """What tokens of a key begin with (RFC 7515 §4.1)."""
    named = {"kid": kid} if signing.names_key else {}
    return _in_base64(_JSON.encode({"alg": signing.algorithm, "typ": "JWT", **named}).encode())


def _in_base64(value: bytes) -> bytes:
    """As RFC 7515 §2 spells it: base64url, without padding."""
    return urlsafe_b64encode(value).rstrip(b"=")


def verify(
    uow: UnitOfWork, signing: Signing, token: Secret, *, even_expired: bool = False
) -> Mapping[str, Any]:
    """The claims of a token that the unit's dialect signed and that has not expired (`even_expired`: or has).

    One algorithm, whatever the token asks for (RFC 8725 §3.1), and one spelling. Refuses `SessionRefused`.
    A signature is verified once; whether its key still counts, and the token has not expired, each time.
    """
    if len(token.reveal()) > LONGEST:
        raise SessionRefused
    name = digest(token)
    believed = uow.keyring.believed(name)
    if believed is None or not _candidates(uow, signing, believed.kid):
        believed = _verified(uow, signing, token.reveal())
        uow.keyring.believe(name, believed)
    if not even_expired and believed.claims["exp"] <= uow.now.timestamp():
        raise SessionRefused
    return believed.claims


def _verified(uow: UnitOfWork, signing: Signing, text: str) -> Believed:
    """What a token says, and by which key. Refuses `SessionRefused`."""
    from joserfc import jws  # noqa: PLC0415 - see `sign`
    from joserfc.errors import JoseError  # noqa: PLC0415

    if not text.isascii() or not _is_canonical(text.rpartition(".")[2]):
        raise SessionRefused
    try:
        signed = jws.extract_compact(text.encode("ascii"))
        for each in _candidates(uow, signing, signed.headers().get("kid")):
            if jws.validate_compact(signed, each.key, [signing.algorithm]):
                return Believed(each.kid, json.loads(signed.payload))
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError):
        # What others made of three dots, which the library need not have foreseen.
        raise SessionRefused from None
    raise SessionRefused


def expiry(claims: Mapping[str, Any]) -> datetime:
    """When a token of these claims expires (RFC 7519 §4.1.4)."""
    return datetime.fromtimestamp(claims["exp"], UTC)


def believed_until(uow: UnitOfWork) -> datetime:
    """Until when what was read of the dialect's keys is believed; now, if nothing was."""
    ring = uow.keyring.get(uow.origin.dialect)
    return uow.now if ring is None else ring.read_at + FRESH


def _is_canonical(segment: str) -> bool:
    """Whether this is how base64url spells what it spells, so that a token is no second one in other letters."""
    try:
        spelt = _in_base64(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return False
    return spelt.decode() == segment


def _candidates(uow: UnitOfWork, signing: Signing, kid: object) -> Sequence[Unsealed]:
    """The keys that may have signed a token: the one that it names, or all if it names none."""
    keys = _ring(uow).keys
    if kid is not None and kid not in keys:
        keys = _ring(uow, anew=True).keys
    named = keys.values() if kid is None else [keys[kid]] if isinstance(kid, str) and kid in keys else []
    return [key for key in named if key.algorithm == signing.algorithm and key.verifies(uow.now)]


def public_keys(uow: UnitOfWork) -> Sequence[Mapping[str, Any]]:
    """The public halves of the dialect's keys that verify, as JWKs (RFC 7517 §4), the oldest first."""
    return [
        {**key.public, "kid": key.kid, "use": "sig", "alg": key.algorithm}
        for key in _ring(uow, anew=True).keys.values()
        if key.public is not None
    ]


def listed(uow: UnitOfWork, dialect: str | None = None) -> Sequence[SigningKey]:
    """The keys of a dialect, or of all, that verify, the oldest first."""
    k = signing_keys.c
    query = select(*(k[name] for name in SigningKey.__dataclass_fields__)).where(_still_verifies(uow.now))
    if dialect is not None:
        query = query.where(k.dialect == dialect)
    return [SigningKey(*row) for row in uow.db.execute(query.order_by(k.dialect, k.number))]


def rotate(
    uow: UnitOfWork, dialect: str, signing: Signing, *, at_once: bool = False, by: Principal | None = None
) -> str:
    """Make a dialect's next key, by which it signs from now on; its id.

    What older keys signed stays good until it expires; `at_once`: no longer at all, for a key that got out.
    Of two at the same instant one makes the key, and both return its id. Refuses `TooMany`.
    """
    newest = _newest(uow, dialect)
    verifying = uow.db.execute(_VERIFYING, {"dialect": dialect, "now": uow.now}).all()
    if len(verifying) >= MOST and not at_once:
        raise TooMany("signing key", MOST)
    kid: str = _succeed(uow, dialect, signing, newest, at_once=at_once).kid
    if by is not None:
        audit.record(uow, "signing keys rotated", by=by, of=dialect, at_once=at_once)
    return kid


def _succeed(
    uow: UnitOfWork, dialect: str, signing: Signing, newest: AnyRow | None, *, at_once: bool = False
) -> AnyRow:
    """The key after `newest`, made here unless somebody else has just made it; the older ones retire."""
    number = 1 if newest is None else newest.number + 1
    _add(uow, dialect, signing, number)
    k = signing_keys.c
    overtaken = _still_verifies(uow.now) if at_once else k.gone_at.is_(None)
    older = update(signing_keys).where(k.dialect == dialect, k.number < number, overtaken)
    retired_at = func.coalesce(k.retired_at, literal(uow.now, Instant))
    gone_at = uow.now if at_once else uow.now + signing.lifetime + SLACK
    uow.db.execute(older.values(retired_at=retired_at, gone_at=gone_at))
    uow.keyring.forget(dialect)
    return uow.db.execute(select(signing_keys).where(k.dialect == dialect, k.number == number)).one()


def _add(uow: UnitOfWork, dialect: str, signing: Signing, number: int) -> None:
    kid = uow.tools.dice(16).hex()
    private = _private(uow, signing.algorithm)
    key = _imported(signing.algorithm, private)
    fresh = insert(uow.db, signing_keys).values(
        kid=kid,
        dialect=dialect,
        number=number,
        algorithm=signing.algorithm,
        private=uow.sealer.seal(uow, private, table=signing_keys.name, column="private", row=kid),
        public=None if signing.algorithm == "HS256" else key.as_dict(private=False),
        created_at=uow.now,
    )
    if uow.db.scalar(fresh.on_conflict_do_nothing().returning(signing_keys.c.kid)) is not None:
        audit.record(uow, "signing key made", key=kid, of=dialect)


def _private(uow: UnitOfWork, algorithm: str) -> bytes:
    """The private half of a fresh key, 32 bytes: a secret, or a scalar (FIPS 186-5 §A.2.1: 64 bits to spare)."""
    if algorithm == "HS256":
        return uow.tools.dice(32)
    return (int.from_bytes(uow.tools.dice(40)) % (P256_ORDER - 1) + 1).to_bytes(32)


def _imported(algorithm: str, private: bytes) -> ECKey | OctKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see `sign`
    from joserfc.jwk import ECKey, OctKey  # noqa: PLC0415

    if algorithm == "HS256":
        return OctKey.import_key(private)
    return ECKey.import_key(ec.derive_private_key(int.from_bytes(private), ec.SECP256R1()))


def _newest(uow: UnitOfWork, dialect: str) -> AnyRow | None:
    return uow.db.execute(_NEWEST, {"dialect": dialect}).one_or_none()


def _current(uow: UnitOfWork, signing: Signing) -> Unsealed:
    """The key that signs. Looked up each time: another process may have rotated."""
    dialect = uow.origin.dialect
    named, ring = _NEWEST_KID.find(uow.db, {"dialect": dialect}), uow.keyring.get(dialect)
    known = ring.keys.get(named[0]) if named and ring else None
    if known is not None and known.algorithm == signing.algorithm:
        return known
    newest = _newest(uow, dialect)
    if newest is None or newest.algorithm != signing.algorithm:
        newest = _succeed(uow, dialect, signing, newest)
    return _unsealed(uow, newest, _ring(uow, anew=True))


def _ring(uow: UnitOfWork, *, anew: bool = False) -> Ring:
    dialect = uow.origin.dialect
    known = uow.keyring.get(dialect)
    if known is not None and not anew and timedelta(0) <= uow.now - known.read_at < FRESH:
        return known
    rows = uow.db.execute(_VERIFYING, {"dialect": dialect, "now": uow.now}).all()
    ring = Ring(uow.now, {row.kid: _unsealed(uow, row, known) for row in rows})
    uow.keyring.put(dialect, ring)
    return ring


def _unsealed(uow: UnitOfWork, row: AnyRow, known: Ring | None) -> Unsealed:
    before = known.keys.get(row.kid) if known else None
    if before is not None:
        return replace(before, gone_at=row.gone_at)
    private = uow.sealer.open(uow, row.private, table=signing_keys.name, column="private", row=row.kid)
    return Unsealed(row.kid, row.algorithm, row.gone_at, row.public, _imported(row.algorithm, private))
