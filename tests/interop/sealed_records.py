#!/usr/bin/env python3
"""A second reader of sealed records, those of the vault and of personal access tokens.

It shares no code with the crate. It was written only from docs/sealed-records.md, on the PyPI
packages `cryptography` and `argon2-cffi`, so an agreement with the crate is evidence that both
are right.

    python3 sealed_records.py --check vault.json
    python3 sealed_records.py --check pat.json

The first file holds a vault in several states. For each state, this script finds every value by
its token, opens it with its password if it has one, recomputes every label, and accounts for every
record. Then it changes each record in many ways; no changed record may open. The second file is
checked in the same way: each token is found by its text and verified at the file's time.

Use it only in tests: it neither hides timing nor wipes keys.
"""

import base64
import binascii
import hashlib
import hmac
import json
import sys
import unicodedata
import zlib
from dataclasses import dataclass, replace

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag

sys.dont_write_bytecode = True  # keeps the source tree clean

from st1 import hkdf, parse_ring, xaes_open  # noqa: E402

LAST_SECOND = 253_402_300_799


class Refused(Exception):
    """A record or token is refused. `code` is the answer."""

    def __init__(self, code, detail=""):
        super().__init__(f"{code} {detail}".strip())
        self.code = code


# ---- bytes ------------------------------------------------------------------------------------


def u64(n):
    return n.to_bytes(8, "big")


def parts(*pieces):
    return b"".join(u64(len(piece)) + piece for piece in pieces)


def mac(key, *pieces):
    return hmac.new(key, parts(*pieces), hashlib.sha256).digest()


def siphash24(key, data):
    mask = (1 << 64) - 1
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]

    def rotate(x, by):
        return (x << by | x >> (64 - by)) & mask

    def sip_round():
        v[0] = (v[0] + v[1]) & mask
        v[2] = (v[2] + v[3]) & mask
        v[1] = rotate(v[1], 13) ^ v[0]
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[1]) & mask
        v[0] = (v[0] + v[3]) & mask
        v[1] = rotate(v[1], 17) ^ v[2]
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = rotate(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        sip_round()
        sip_round()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        sip_round()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def order(key, seconds):
    t = min(max(seconds, 0), LAST_SECOND)
    low, size = 0, (1 << 128) - 1
    for bit in reversed(range(38)):
        message = bit.to_bytes(4, "little") + (t >> (bit + 1)).to_bytes(8, "little")
        f = siphash24(key[:16], message)
        half = size >> 1
        split = (size >> 2) + (half >> 64) * f + (((half & ((1 << 64) - 1)) * f) >> 64)
        if t >> bit & 1:
            low, size = low + split, size - split
        else:
            size = split
    return low.to_bytes(16, "big")


# ---- records ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    collection: str
    id: bytes
    version: bytes
    purge_at: int | None
    labels: tuple  # of (name, value)
    body: bytes

    @classmethod
    def read(cls, data):
        return cls(
            data["collection"],
            bytes.fromhex(data["id"]),
            bytes.fromhex(data["version"]),
            data["purge_at"],
            tuple((label["name"], bytes.fromhex(label["value"])) for label in data["labels"]),
            bytes.fromhex(data["body"]),
        )

    def label(self, name):
        found = [value for label, value in self.labels if label == name]
        if len(found) != 1:
            raise Refused("tampered", f"{len(found)} labels {name}")
        return found[0]


def open_body(key, scope, record):
    """`(plaintext, payload)` of a record."""
    body = record.body
    if len(body) < 1 + 24 + 4 + 16 or body[0] != 1:
        raise Refused("tampered", "not a body")
    nonce, n = body[1:25], int.from_bytes(body[25:29], "big")
    sealed, payload = body[29 : 29 + n + 16], body[29 + n + 16 :]
    if len(sealed) != n + 16:
        raise Refused("tampered", "a truncated body")
    pieces = [
        b"sealtoken record v1",
        record.collection.encode(),
        scope,
        record.id,
        record.version,
        b"" if record.purge_at is None else record.purge_at.to_bytes(8, "big", signed=True),
        u64(len(record.labels)),
    ]
    for name, value in sorted((name.encode(), value) for name, value in record.labels):
        pieces += [name, value]
    return _open(key, nonce, sealed, parts(*pieces, payload)), payload


def open_payload(key, scope, value_id, revision, payload):
    if len(payload) < 24 + 16:
        raise Refused("tampered", "a truncated payload")
    associated = parts(b"sealtoken payload v1", scope, value_id, u64(revision))
    return _open(key, payload[:24], payload[24:], associated)


def _open(key, nonce, sealed, associated):
    try:
        return xaes_open(key, nonce, sealed, associated)
    except InvalidTag:
        raise Refused("tampered", "authentication failed") from None


@dataclass(frozen=True)
class Keyset:
    scope: bytes
    root: bytes
    settings: bytes

    def key(self, name):
        return hkdf(self.root, b"sealtoken v1 keyset\0" + name.encode(), 32)


class Store:
    """Records, and the ring that opens them. `seen` collects the records that were read."""

    def __init__(self, records, ring):
        self.records = {(record.collection, record.id): record for record in records}
        self.ring = {key.kid: key for key, _ in parse_ring(ring)}
        self.seen = set()

    def get(self, collection, record_id):
        record = self.records.get((collection, record_id))
        if record is not None:
            self.seen.add((collection, record_id))
        return record

    def keyset_in(self, collection, keyset_id):
        record = self.get(collection, keyset_id)
        if record is None:
            return None
        key = self.ring.get(record.label("key_id"))
        if key is None:
            raise Refused("unknown_key")
        same("labels", len(record.labels), 1)
        plaintext, payload = open_body(
            hkdf(key.root, b"sealtoken v1 internal\0keyset", 32), b"", record
        )
        if len(plaintext) < 32 or payload:
            raise Refused("tampered", "an invalid keyset")
        return Keyset(record.id, plaintext[:32], plaintext[32:])


# ---- the vault --------------------------------------------------------------------------------


class Vault(Store):
    """The records of a vault."""

    def __init__(self, records, ring):
        super().__init__(records, ring)
        self.hashes = {}
        self.root = self.keyset(b"vault")
        if self.root is None:
            raise Refused("not_found", "no vault")
        settings = json.loads(self.root.settings)
        if settings.keys() != {"costs"} or not 1 <= len(settings["costs"]) <= 8:
            raise Refused("tampered", "invalid settings")
        self.costs = [self._cost(cost) for cost in settings["costs"]]

    @staticmethod
    def _cost(cost):
        if cost.keys() != {"m", "t", "p"}:
            raise Refused("tampered", "an invalid cost")
        m, t, p = cost["m"], cost["t"], cost["p"]
        if not (19 <= m <= 256 and 1 <= t <= 10 and 1 <= p <= 4 and (m >= 46 or t >= 2)):
            raise Refused("tampered", "a cost out of bounds")
        return m, t, p

    def keyset(self, keyset_id):
        return self.keyset_in("vault_keysets", keyset_id)

    def namespace(self, name):
        keyset = self.keyset(mac(self.root.key("id"), b"namespace", name.encode()))
        if keyset is None:
            raise Refused("not_found", "no such namespace")
        return Namespace(self, keyset)


class Namespace:
    def __init__(self, vault, keyset):
        self.vault, self.keyset, self.mark = vault, keyset, keyset.scope[:16]
        self.open_id = mac(keyset.key("label"), b"open")[:16]

    def password_hash(self, password, cost):
        """H of the format. It is slow, so each one is computed once."""
        normal = unicodedata.normalize("NFC", password).encode()
        salt, (m, t, p) = self.keyset.key("password salt")[:16], cost
        known = self.vault.hashes
        if (normal, salt, cost) not in known:
            known[normal, salt, cost] = hash_secret_raw(
                normal, salt, time_cost=t, memory_cost=m * 1024, parallelism=p, hash_len=64,
                type=Type.ID
            )
        return known[normal, salt, cost]

    def data_keys(self, password):
        """`[{id: key}]`: a dict for each cost at which the password has an entry."""
        if password is None:
            return [{self.open_id: self.keyset.key("payload")}]
        found = []
        for cost in self.vault.costs:
            h = self.password_hash(password, cost)
            entry = self.vault.get("vault_passwords", mac(self.keyset.key("password id"), h[:32]))
            if entry is None:
                continue
            key = mac(self.keyset.key("password entry"), h[32:])
            plaintext, payload = open_body(key, self.keyset.scope, entry)
            count, rest = divmod(len(plaintext) - 1, 48)
            if plaintext[0] != 1 or rest or not 1 <= count <= 4096 or payload or entry.labels:
                raise Refused("tampered", "an invalid entry")
            each = [plaintext[at : at + 48] for at in range(1, len(plaintext), 48)]
            found.append({pair[:16]: pair[16:] for pair in each})
        return found

    def meta(self, record):
        """A value's metadata and its payload."""
        plaintext, payload = open_body(self.keyset.key("record"), self.keyset.scope, record)
        meta = json.loads(plaintext)
        if not {"c", "u", "r", "o", "n"} <= meta.keys() <= set("cuxdlron"):
            raise Refused("tampered", "invalid members")
        return meta, payload

    def labels(self, meta, data_key):
        """The labels of a value with this metadata."""

        def timed(seconds):
            return self.mark + order(self.keyset.key("order"), seconds)

        labels = [("created", timed(meta["c"])), ("data_key", data_key)]
        if "x" in meta:
            name = "expires_deleted" if "d" in meta else "expires"
            labels.append((name, timed(meta["x"])))
        if "d" in meta:
            labels.append(("deleted", timed(meta["d"])))
        if "l" in meta:
            value = mac(self.keyset.key("label"), b"label", meta["l"].encode())[:16]
            labels.append(("label", value))
        return sorted(labels)

    def value(self, token):
        record_id = mac(self.keyset.key("id"), b"value", token.encode())
        record = self.vault.get("vault_values", record_id)
        if record is None:
            raise Refused("not_found")
        return record

    def reveal(self, record_id, revision, data_key, payload, password):
        for keys in self.data_keys(password):
            if data_key in keys:
                key = keys[data_key]
                return open_payload(key, self.keyset.scope, record_id, revision, payload)
        raise Refused("invalid_password")

    def read(self, token, password):
        """`(meta, value)`, even if the value has expired."""
        record = self.value(token)
        meta, payload = self.meta(record)
        same("labels", sorted(record.labels), self.labels(meta, record.label("data_key")))
        value = self.reveal(record.id, meta["r"], record.label("data_key"), payload, password)
        same("length", len(value), meta["n"])
        return meta, value

    def earlier(self, token, revision, password):
        record_id = self.value(token).id
        found = mac(self.keyset.key("id"), b"version", record_id, u64(revision))
        record = self.vault.get("vault_versions", found)
        if record is None:
            raise Refused("no_such_version")
        plaintext, payload = open_body(self.keyset.key("record"), self.keyset.scope, record)
        meta = json.loads(plaintext)
        same("members", meta.keys(), {"r", "u", "n"})
        same("revision", meta["r"], revision)
        same("labels", [name for name, _ in record.labels], ["data_key"])
        value = self.reveal(record_id, revision, record.label("data_key"), payload, password)
        same("length", len(value), meta["n"])
        return meta, value


# ---- personal access tokens -------------------------------------------------------------------

DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ORIGINS = ("issued", "registered", "imported")


def unpadded(raw):
    return base64.b64encode(raw).decode().rstrip("=")


class Members:
    """Reads the members of a plaintext in order."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise Refused("tampered", "too short")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self):
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def time(self):
        number = self.number()
        return number >> 1 if number % 2 == 0 else -(number >> 1) - 1

    def text(self):
        return self.take(self.number()).decode("utf-8")

    def texts(self):
        found = [self.text() for _ in range(self.number())]
        same("sorted", found, sorted(set(found), key=str.encode))
        return found

    def one_of(self, *readers):
        return readers[self.number()]()

    def perhaps(self, reader):
        return self.one_of(lambda: None, reader)

    def hash(self):
        def keyed():
            return f"$hmac-sha256$kid={unpadded(self.take(6))}${unpadded(self.take(32))}"

        return self.one_of(keyed, self.text)

    def end(self):
        same("trailing bytes", self.data[self.at :], b"")


class Tokens(Store):
    """The records of personal access tokens."""

    def __init__(self, state, records):
        super().__init__(records, state["ring"])
        self.now, self.keep_expired = state["now"], state["keep_expired"]
        self.keyset = self.keyset_in("pat_keysets", b"pat")
        if self.keyset is None:
            raise Refused("not_found", "no tokens")
        same("settings", self.keyset.settings, b"")
        self.kid = mac(self.keyset.key("pat"), b"the key's name")[:6]

    def open(self, record):
        """The plaintext of a record, which must have no payload."""
        plaintext, payload = open_body(self.keyset.key("record"), b"pat", record)
        same("payload", payload, b"")
        return plaintext

    def label(self, *pieces):
        return mac(self.keyset.key("label"), *pieces)[:16]

    def read(self, token_id):
        """A token's metadata, after checking its record."""
        record = self.get("pat_tokens", mac(self.keyset.key("id"), b"token", token_id))
        if record is None:
            raise Refused("not_found")
        plaintext = self.open(record)
        same("format", plaintext[:1], b"\1")
        members = Members(plaintext[1:])
        facts = {"id": members.text(), "hash": members.hash()}
        facts["before"] = members.perhaps(lambda: (members.hash(), members.time()))
        facts["origin"] = ORIGINS[members.number()]
        facts["owner"] = members.text()
        facts["admin"] = members.one_of(lambda: False, lambda: True)
        labelled, more = members.texts(), members.texts()
        facts["roles"] = sorted(labelled + more, key=str.encode)
        facts["scopes"] = members.texts()
        facts["name"] = members.perhaps(members.text)
        facts["metadata"] = {members.text(): members.text() for _ in range(members.number())}
        facts["created"], facts["updated"] = members.time(), members.time()
        for name in ("last_used", "expires", "revoked", "purge"):
            facts[name] = members.perhaps(members.time)
        members.end()

        same("id", facts["id"].encode(), token_id)
        labels = [("owner", self.label(b"owner", facts["owner"].encode()))]
        labels += [("role", self.label(b"role", role.encode())) for role in labelled]
        if more:
            labels.append(("more_roles", self.label(b"more roles")))
        same("labels", sorted(record.labels), sorted(labels))
        same("labelled roles", len(labelled) <= 8, True)
        ends = [] if facts["expires"] is None else [facts["expires"] + self.keep_expired]
        if facts["revoked"] is not None and facts["purge"] is not None:
            ends.append(facts["purge"])
        same("purge_at", record.purge_at, min(ends, default=None))
        return facts

    def fits(self, text, stored):
        if stored.startswith("$hmac-sha256$"):
            # Tokens of the Node system have no checksum.
            hashed = text if b"." in text else text[:-6]
            mac_of_it = hmac.new(self.keyset.key("pat"), hashed, hashlib.sha256).digest()
            return stored == f"$hmac-sha256$kid={unpadded(self.kid)}${unpadded(mac_of_it)}"
        _, name, parameters, salt, expected = stored.split("$")
        if name != "scrypt" or b"." not in text:
            return False
        ln, r, p = (int(parameter.split("=")[1]) for parameter in parameters.split(","))
        salt, expected = (
            base64.b64decode(part + "=" * (-len(part) % 4)) for part in (salt, expected)
        )
        secret = base64.b64decode(text.split(b".")[1])
        found = hashlib.scrypt(
            secret, salt=salt, n=1 << ln, r=r, p=p, dklen=len(expected), maxmem=1 << 27
        )
        return len(secret) == len(expected) and found == expected

    def verify(self, text):
        """The answer for a token's text at `self.now`."""
        text = text.encode()
        if not text.startswith(b"pat_"):
            return "invalid_prefix"
        token_id, rest = text[4:25], text[25:]
        if not token_id.isalnum() or len(token_id) != 21:
            return "invalid_format"
        if rest[:1] == b"_":
            if len(rest) != 50 or any(byte not in DIGITS for byte in rest[1:]):
                return "invalid_format"
            check, digits = zlib.crc32(text[:-6]), b""
            for _ in range(6):
                check, digit = divmod(check, 62)
                digits = DIGITS[digit : digit + 1] + digits
            if digits != text[-6:]:
                return "invalid_format"
        else:
            try:
                secret = base64.b64decode(rest[1:], validate=True)
            except binascii.Error:
                secret = b""
            if rest[:1] != b"." or not secret or base64.b64encode(secret) != rest[1:]:
                return "invalid_format"
        try:
            facts = self.read(token_id)
        except Refused as refused:
            return refused.code
        end = None
        if not self.fits(text, facts["hash"]):
            if not facts["before"] or not self.fits(text, facts["before"][0]):
                return "invalid_secret"
            end = facts["before"][1]
        if b"." in text and facts["origin"] == "issued":
            return "invalid_secret"
        if facts["revoked"] is not None:
            return "revoked"
        ends = [e for e in (facts["expires"], end) if e is not None]
        return "expired" if any(e <= self.now for e in ends) else "valid"

    def first_admin(self):
        record = self.get("pat_bootstrap", mac(self.keyset.key("id"), b"bootstrap"))
        if record is None:
            return None
        same("labels and end", (record.labels, record.purge_at), ((), None))
        return self.open(record).decode()


def check_tokens(state):
    records = [Record.read(data) for data in state["records"]]
    tokens = Tokens(state, records)
    for expected in state["tokens"]:
        facts = tokens.read(expected["id"].encode())
        before = facts.pop("before")
        facts["previous_until"] = before and before[1]
        same("metadata", facts, expected)
    admins = {token["id"] for token in state["tokens"] if token["admin"]}
    same("first admin", tokens.first_admin() in admins, True)
    same("unreachable records", set(tokens.records) - tokens.seen, set())
    for expected in state["answers"]:
        same(f"answer to {expected['token']}", tokens.verify(expected["token"]), expected["answer"])
    answers = {expected["answer"] for expected in state["answers"]}
    same("answers", len(answers), 7)
    opens = [(tokens.keyset.key("record"), b"pat")]
    refused = check_changed(tokens, records, opens, "pat_keysets")
    print(
        f"{state['name']}: {len(records)} records, {len(state['tokens'])} tokens opened,"
        f" {len(state['answers'])} answers, {refused} changed records refused"
    )


# ---- the check --------------------------------------------------------------------------------


def same(what, ours, theirs):
    if ours != theirs:
        raise ValueError(f"{what}: {ours!r} instead of {theirs!r}")


def check_value(vault, expected):
    namespace = vault.namespace(expected["namespace"])
    token, password = expected["token"], expected["password"]
    meta, value = namespace.read(token, password)
    same("value", value, bytes.fromhex(expected["value"]))
    names = {
        "c": "created", "u": "updated", "x": "expires", "d": "deleted", "l": "label",
        "r": "revision"
    }
    for short, name in names.items():
        same(name, meta.get(short), expected[name])
    kept = range(meta["r"] - 1, meta["o"] - 1, -1)
    same("earlier", list(kept), [earlier["revision"] for earlier in expected["earlier"]])
    for earlier in expected["earlier"]:
        meta, value = namespace.earlier(token, earlier["revision"], password)
        same("earlier value", value, bytes.fromhex(earlier["value"]))
        same("earlier time", meta["u"], earlier["updated"])


def check_refused(vault, expected):
    try:
        vault.namespace(expected["namespace"]).read(expected["token"], expected["password"])
        answer = "opened"
    except Refused as refused:
        answer = refused.code
    same("answer", answer, expected["code"])


def changed(record, others):
    """Copies of the record, each with one change."""
    yield "id", replace(record, id=record.id[:-1] + bytes([record.id[-1] ^ 1]))
    yield "version", replace(record, version=bytes(16))
    yield "purge_at", replace(record, purge_at=0)
    yield "one more label", replace(record, labels=(*record.labels, ("zzz", b"\0")))
    for at, (name, value) in enumerate(record.labels):
        without = record.labels[:at] + record.labels[at + 1 :]
        yield "a label less", replace(record, labels=without)
        yield "another label", replace(record, labels=(*without, (name, value + b"\0")))
        yield "another name", replace(record, labels=(*without, (name + "_", value)))
    for at in range(0, len(record.body), 7):
        body = bytearray(record.body)
        body[at] ^= 1 << at % 8
        yield f"byte {at}", replace(record, body=bytes(body))
    for length in {0, 28, 29, len(record.body) // 2, len(record.body) - 1}:
        yield f"length {length}", replace(record, body=record.body[:length])
    for other in others:
        if other.collection == record.collection and other.id != record.id:
            yield "another body", replace(record, body=other.body, version=other.version)


def check_changes(vault, state, records):
    """The number of changed records that were refused. Skips those that need a password."""
    namespaces = [vault.namespace(name) for name in state["namespaces"]]
    opens = [(n.keyset.key("record"), n.keyset.scope) for n in namespaces]
    records = [record for record in records if record.collection != "vault_passwords"]
    return check_changed(vault, records, opens, "vault_keysets")


def check_changed(store, records, opens, keysets):
    """The number of changed records that were refused. `opens` lists keys for all but keysets."""
    count = 0
    for record in records:
        mine = opens
        if record.collection == keysets:
            kid = record.label("key_id")
            mine = [(hkdf(store.ring[kid].root, b"sealtoken v1 internal\0keyset", 32), b"")]
        same("opens once", sum(is_open(key, scope, record) for key, scope in mine), 1)
        for what, other in changed(record, records):
            if any(is_open(key, scope, other) for key, scope in mine):
                raise ValueError(f"{record.collection} opens after a change: {what}")
            count += 1
    return count


def is_open(key, scope, record):
    try:
        open_body(key, scope, record)
        return True
    except Refused:
        return False


def check_state(state):
    records = [Record.read(data) for data in state["records"]]
    vault = Vault(records, state["ring"])
    for expected in state["values"]:
        check_value(vault, expected)
    same("unreachable records", set(vault.records) - vault.seen, set())
    for expected in state["refused"]:
        check_refused(vault, expected)
    refused = check_changes(vault, state, records)
    print(
        f"{state['name']}: {len(records)} records, {len(state['values'])} values opened,"
        f" {len(state['refused'])} refused, {refused} changed records refused"
    )


def main(arguments):
    if len(arguments) != 2 or arguments[0] != "--check":
        print(__doc__, file=sys.stderr)
        return 2
    same("the published CRC-32/ISO-HDLC", zlib.crc32(b"123456789"), 0xCBF43926)
    siphash = siphash24(bytes(range(16)), bytes(range(15)))
    same("the published SipHash-2-4", siphash, 0xA129CA6149BE45E5)
    with open(arguments[1], encoding="utf-8") as file:
        states = json.load(file)["states"]
    failed = 0
    for state in states:
        try:
            check_tokens(state) if "tokens" in state else check_state(state)
        except (ValueError, Refused) as error:
            failed += 1
            print(f"FAILED {state['name']}: {error}")
    # A file without states is a mistake, not a success.
    return 0 if states and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
