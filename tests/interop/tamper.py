#!/usr/bin/env python3
"""Edits the vault's SQLite file as an attacker would, and checks that no wrong value is read.

    python3 tests/interop/tamper.py target/debug/sealtoken [--changes N] [--files N] [--seed S]

The script fills a vault through the command line. Then it changes each cell of each table, each
time in a fresh copy of the file, in N random ways (0: in all ways): it flips bits, removes and adds
bytes, takes the content of another row, or sets the cell to NULL. It also removes, mixes and swaps
rows, and finally changes bytes anywhere in the file. After each change it reads every token and
lists the vault. Each result must be right or a refusal: one line with an expected code. After a
change of the index, a sweep must not remove a live value.

A vault cannot detect a deleted row or a row put back in an earlier state without an anchor outside
of the database, so the script does not expect that.
"""

import argparse
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

CODES = {"not_found", "tampered", "invalid_password", "expired", "deleted", "unknown_key"}


class Wrong(Exception):
    """The command returned wrong data, or failed unexpectedly."""


def require(condition, message):
    if not condition:
        raise Wrong(message)


class Vault:
    """A vault in a file, and its values."""

    def __init__(self, program, folder):
        self.program, self.folder = os.path.abspath(program), Path(folder)
        self.file = self.folder / "vault.db"
        self.keys = subprocess.run(
            [self.program, "key", "generate"], capture_output=True, check=True
        ).stdout.decode()
        for name in ("one", "two"):
            self.path(name).write_text(f"the password {name}\n")
            self.path(name).chmod(0o600)  # else the command warns
        self.values = []
        self.entries = {}

    def path(self, name):
        return self.folder / name

    def run(self, file, *arguments, text=b""):
        """Runs a command on the vault in `file`."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SEALTOKEN_")
        }
        environment |= {"SEALTOKEN_KEYS": self.keys, "SEALTOKEN_STORE": f"sqlite:{file}"}
        command = [self.program, "vault", *map(str, arguments)]
        return subprocess.run(
            command, input=text, env=environment, capture_output=True, timeout=60, check=False
        )

    def must(self, *arguments, text=b""):
        done = self.run(self.file, *arguments, text=text)
        require(done.returncode == 0 and not done.stderr, f"{arguments}: {done}")
        return done.stdout

    def fill(self):
        own = self.path("own")
        own.write_text("the-same-token-in-two-namespaces\n")
        one, two = (["--password-file", self.path(name)] for name in ("one", "two"))
        other = ["--namespace", "other"]
        for value, options, create in [
            (b"first\0\n", one, ["--label", "a", "--expires-in", "30d"]),
            (b"second", one, ["--label", "a"]),
            (b"third", two, ["--expires-in", "1d"]),
            (b"open", [], ["--token-file", own]),
            (b"the other's", other, ["--token-file", own]),
        ]:
            token = self.must("create", *options, *create, text=value)
            self.values.append((token, options, value))
        # An update, after which the first content must not come back.
        token, options, _ = self.values[1]
        self.must("update", *options, text=token + b"second, anew")
        self.values[1] = (token, options, b"second, anew")
        for options in ([], other):
            for entry in json.loads(self.must("list", "--json", *options)):
                self.entries[entry["id"]] = entry
        require(len(self.entries) == len(self.values), "not all values are listed")
        wal = Path(f"{self.file}-wal")
        require(not wal.exists(), "a write-ahead log remains, so copies of the file are incomplete")


def check(vault, file, exits, whole=False):
    """Reads and lists everything. With `whole`, every value must be readable."""
    right = 0
    for token, options, value in vault.values:
        done = vault.run(file, "read", *options, text=token)
        if done.returncode == 0:
            require(done.stdout == value, f"read {done.stdout!r} instead of {value!r}")
            require(not done.stderr, f"stderr {done.stderr!r}")
            right += 1
        else:
            check_refused(done, exits)
            require(not whole, f"{value!r} is no longer readable: {done.stderr!r}")
    every = [word for state in ("live", "expired", "deleted") for word in ("--state", state)]
    for options in ([], ["--namespace", "other"]):
        check_list(vault, vault.run(file, "list", "--json", *every, *options), exits)
    return right


def check_refused(done, exits):
    require(done.returncode in exits, f"exit {done.returncode}; stderr {done.stderr!r}")
    require(done.stdout == b"", f"stdout {done.stdout!r}")
    check_line(done)


def check_line(done):
    line = done.stderr.decode("utf-8")
    require(line.endswith("\n") and line.count("\n") == 1, f"not one line on stderr: {line!r}")
    found = re.match(r"([a-z_]+): ", line)
    codes = CODES if done.returncode == 2 else {"error"}
    require(found and found[1] in codes, f"exit {done.returncode} with {line!r}")


def check_list(vault, done, exits):
    """Each listed entry must be unchanged or reported as tampered; others may be missing."""
    if done.returncode != 0 and not done.stdout:
        return check_refused(done, exits)
    tampered = 0
    for entry in json.loads(done.stdout):
        if entry == {"error": "tampered"}:
            tampered += 1
        else:
            require(entry == vault.entries.get(entry.get("id")), f"listed {entry}")
    require(
        done.returncode == (2 if tampered else 0), f"exit {done.returncode}, {tampered} tampered"
    )
    if tampered:
        check_line(done)


def tables(file):
    """The tables with their columns and rows, including the vault's index."""
    with closing(sqlite3.connect(file)) as database:
        found = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [name for (name,) in found]
        for name in names:
            cursor = database.execute(f"SELECT * FROM {name} ORDER BY 1, 2")
            yield name, [column[0] for column in cursor.description], cursor.fetchall()


def changes(cell, others, rng):
    """`(description, new content)` for one cell."""
    yield "nothing", None
    if isinstance(cell, int) or cell is None:
        yield from ((f"number {n}", n) for n in (0, -1, 1, 2**62, (cell or 0) + 1))
        return
    as_bytes = cell if isinstance(cell, bytes) else cell.encode()
    made = [
        ("empty", b""), ("one byte less", as_bytes[:-1]), ("one byte more", as_bytes + b"a"),
        ("half", as_bytes[: len(as_bytes) // 2])
    ]
    places = (
        {0, len(as_bytes) - 1, *(rng.randrange(len(as_bytes)) for _ in range(4))} if as_bytes
        else ()
    )
    for place in sorted(places):
        bit = 1 << rng.randrange(7)
        flipped = bytes([*as_bytes[:place], as_bytes[place] ^ bit, *as_bytes[place + 1 :]])
        made.append((f"bit {bit} of byte {place}", flipped))
    for what, content in made:
        yield what, content if isinstance(cell, bytes) else content.decode("latin-1")
    distinct = sorted({other for other in others if other != cell and other is not None})
    for other in rng.sample(distinct, min(3, len(distinct))):
        yield "another row's", other


def dump(file):
    return [rows for name, _, rows in tables(file) if name == "sealtoken_record"]


def keysets(file):
    """The ids and labels of the records in the collection of keysets."""
    with closing(sqlite3.connect(file)) as database:
        return set(
            database.execute(
                "SELECT id, labels FROM sealtoken_record WHERE collection = 'vault_keysets'"
            )
        )


def where(columns, row):
    """The condition that finds a row, and its parameters."""
    return " AND ".join(f"{column} IS ?" for column in columns), row


def some(of, count, rng):
    """A random sample of `count` elements; all for 0."""
    of = list(of)
    return rng.sample(of, min(count or len(of), len(of)))


def attacks(file, count, rng):
    """`(name, table, statements)`: each statement is SQL with its parameters."""
    for table, columns, rows in tables(file):
        for number, row in enumerate(rows):
            at, these = where(columns, row)
            name = f"{table} row {number}"
            yield f"{name}: removed", table, [(f"DELETE FROM {table} WHERE {at}", these)]
            for index, column in enumerate(columns):
                others = [other[index] for other in rows]
                for what, content in some(changes(row[index], others, rng), count, rng):
                    yield f"{name}, {column}: {what}", table, [
                        (f"UPDATE {table} SET {column} = ? WHERE {at}", (content, *these))
                    ]
            if table != "sealtoken_record":
                continue
            for other in some((other for other in rows if other != row), count, rng):
                for mixed in (
                    ["body", "version"], ["body", "labels"], ["body", "version", "labels"],
                    ["version", "labels"]
                ):
                    chosen = [columns.index(column) for column in mixed]
                    assign = ", ".join(f"{column} = ?" for column in mixed)
                    there, those = where(columns, other)
                    update = f"UPDATE {table} SET {assign} WHERE"
                    take = (f"{update} {at}", (*(other[i] for i in chosen), *these))
                    give = (f"{update} {there}", (*(row[i] for i in chosen), *those))
                    yield f"{name}: {mixed} of another row", table, [take]
                    yield f"{name}: {mixed} exchanged", table, [take, give]
                # The other record, copied to the place of this one.
                there, those = where(columns, other)
                remove = (f"DELETE FROM {table} WHERE {at}", these)
                marks = ", ".join("?" * len(columns))
                moved = dict(zip(columns, other)) | {
                    "id": row[columns.index("id")], "collection": row[columns.index("collection")]
                }
                insert = (
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
                    tuple(moved.values())
                )
                yield f"{name}: another row in its place", table, [remove, insert]


def damaged(file, count, rng):
    """Copies of the file with bytes changed anywhere, or truncated."""
    whole = file.read_bytes()
    for number in range(count):
        content = bytearray(whole)
        if number % 5 == 4:
            del content[rng.randrange(len(content)) :]
        else:
            for _ in range(rng.choice([1, 1, 8, 64])):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        yield f"file {number}", bytes(content)


def edit(file, statements):
    """Applies the change; False if SQLite refuses it."""
    with closing(sqlite3.connect(file)) as database:
        try:
            for sql, parameters in statements:
                require(database.execute(sql, parameters).rowcount == 1, f"no row for {sql}")
            database.commit()
        except sqlite3.IntegrityError:
            return False
        return True


def attack_rows(vault, folder, attack):
    name, table, statements = attack
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place, "vault.db")
        shutil.copy(vault.file, file)
        if not edit(file, statements):
            return None
        try:
            if table == "sealtoken_label":
                records = dump(file)
                done = vault.run(file, "purge-expired")
                require(done.returncode in {0, 2} and done.stdout == b"0\n", f"swept: {done}")
                require(dump(file) == records, "a sweep changed a record")
            # A wrong schema version or a lost keyset is an error (1), not a refusal (2). So is a
            # keyset whose label names another key: it looks like one that the ring does not have.
            broken = table == "sealtoken_schema" or not keysets(vault.file) <= keysets(file)
            return check(vault, file, {1, 2} if broken else {2}, whole=table == "sealtoken_label")
        except (Wrong, ValueError, subprocess.TimeoutExpired) as error:
            return f"{name}: {error}"


def attack_file(vault, folder, attack):
    name, content = attack
    with tempfile.TemporaryDirectory(dir=folder) as place:
        file = Path(place, "vault.db")
        file.write_bytes(content)
        try:
            return check(vault, file, {1, 2})
        except (Wrong, ValueError, subprocess.TimeoutExpired) as error:
            return f"{name}: {error}"


def control(vault, folder):
    """Checks that this script would notice a wrong value."""
    file = Path(folder, "control.db")
    shutil.copy(vault.file, file)
    require(check(vault, file, {2}, whole=True) == len(vault.values), "a value is missing")
    token, options, _ = vault.values[0]
    done = vault.run(file, "update", *options, text=token + b"another")
    require(done.returncode == 0, f"{done}")
    try:
        check(vault, file, {2})
    except Wrong:
        return
    raise Wrong("this script did not notice a changed value")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--changes", type=int, default=2)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    if not os.access(options.binary, os.X_OK):
        parser.error(f"{options.binary} is not executable")
    rng = random.Random(options.seed)
    # In memory where possible, because durability does not matter here.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    temporary, threads = tempfile.TemporaryDirectory(dir=memory), ThreadPoolExecutor(os.cpu_count())
    with temporary as folder, threads as pool:
        vault = Vault(options.binary, folder)
        vault.fill()
        control(vault, folder)
        made = list(attacks(vault.file, options.changes, rng))
        results = list(pool.map(lambda attack: attack_rows(vault, folder, attack), made))
        impossible = results.count(None)
        results += pool.map(
            lambda attack: attack_file(vault, folder, attack),
            damaged(vault.file, options.files, rng)
        )
    failures = [result for result in results if isinstance(result, str)]
    for failure in failures:
        print(f"FAILED {failure}")
    harmless = sum(result == len(vault.values) for result in results)
    passed = len(results) - impossible - len(failures)
    print(f"{impossible} changes refused by SQLite, {harmless} without an effect on reading")
    print(f"{passed} passed, {len(failures)} failed")
    # Too few effective changes mean that this script is broken.
    return 1 if failures or passed - harmless < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
