"""All that antares-legacy says to Rucio; only this module and the others named `catalogue_*` import its client.

Server, account and authentication are those of Rucio's own configuration (``rucio.cfg``, ``RUCIO_*``). Every
call goes through `Patience`; what the server refuses becomes one of our errors. Facts about the calls that
are not in Rucio's documentation (what is idempotent, what is silently ignored, how many items a call takes)
were found by trying, on SQLite and PostgreSQL, with Rucio 41.5.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ingest.catalogue_address import UNKNOWN_SERVER, configured_server, without_credentials
from ingest.catalogue_errors import DeniedError, FailingServerError, RefusedError, in_our_words
from ingest.catalogue_rows import known_file, replicas_of, rows_of, write_priority
from ingest.catalogue_types import Connection, Holding, KnownFile, NewReplica, Replica, Rse, Rule
from ingest.catalogue_upload import upload_file
from ingest.item import Scalar
from ingest.patience import Patience, Say, TransientError
from legacy.errors import UsageError, nearest, printable

if TYPE_CHECKING:
    from rucio.client import Client

Answer = TypeVar("Answer")

CALL_LIMIT = 500
"""Items in one call: the schema allows 1000, SQLite's expression depth about 600."""
_URL_LIMIT = 4000
"""Characters of names in one address; web servers refuse addresses above 8 kB."""


class Catalogue:
    """A connection to Rucio that several threads may share.

    Parameters
    ----------
    patience
        How long to wait for a server that is away.
    say
        Told when waiting begins and ends.
    """

    def __init__(self, patience: Patience, say: Say) -> None:
        self._patience = patience
        self._say = say
        self._of_thread = threading.local()
        self._server = UNKNOWN_SERVER

    # -- connection --------------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """Log in, and say where and as whom.

        Raises
        ------
        UsageError
            Rucio's configuration is missing or incomplete.
        DeniedError
            The server does not accept the account, or takes us for another one.
        ServerAwayError
            The server does not answer.
        """
        client = self._client()
        found = self._ask("log in", lambda c: c.whoami())
        account = str(found.get("account", ""))
        if client.account and account != client.account:
            # Happens when a token of another account lies in the file that auth_token_file_path names.
            raise DeniedError(
                f"{self._server}: takes us for account {printable(account)!r}, not {client.account!r}; remove the "
                "token files of Rucio, and auth_token_file_path from rucio.cfg"
            )
        return Connection(self._server, account, str(client.auth_type))

    def _client(self) -> "Client":
        """Return this thread's client: its connection must not be shared."""
        client: Client | None = getattr(self._of_thread, "client", None)
        if client is None:
            if self._server == UNKNOWN_SERVER:
                self._server = configured_server()
            client = self._insist("log in", _new_client)
            self._of_thread.client = client
            self._server = without_credentials(str(client.host))
        return client

    def _ask(self, what: str, call: Callable[["Client"], Answer], *, divisible: bool = False) -> Answer:
        client = self._client()
        return self._insist(what, lambda: call(client), divisible=divisible)

    def _insist(self, what: str, call: Callable[[], Answer], *, divisible: bool = False) -> Answer:
        """Make a call with patience.

        One of many files may be to blame when a call with all of them fails again and again (`divisible`): that is
        tried a few times only. For all other failures only the server can be to blame, and it is waited for.
        """

        def once() -> Answer:
            try:
                return call()
            except Exception as error:
                ours = in_our_words(what, error)
                if isinstance(ours, TransientError) and not divisible:
                    ours = TransientError(ours.reason, away=True)
                raise ours from error

        try:
            return self._patience.insist(once, self._say, self._server)
        except TransientError as error:
            raise FailingServerError(what, "server error", error.reason) from error

    # -- what is there -----------------------------------------------------------------------------------

    def scopes(self) -> list[str]:
        """Return all scopes."""
        return [str(scope) for scope in self._ask("list scopes", lambda c: list(c.list_scopes()))]

    def rse(self, name: str) -> Rse:
        """Describe an RSE; raises `UsageError` when there is none of that name."""
        try:
            (facts,) = self._ask(f"describe RSE {name}", lambda c: rows_of([c.get_rse(name)]))
        except RefusedError as error:
            if error.kind != "RSENotFound":
                raise
            known = self._ask("list RSEs", lambda c: [str(rse["rse"]) for rse in c.list_rses()])
            raise UsageError(f"no RSE {name} at {self._server}; {nearest(name, known)}") from error
        protocols = sorted(facts["protocols"], key=write_priority)
        first = protocols[0] if protocols else {}
        return Rse(
            name=name,
            deterministic=bool(facts["deterministic"]),
            writable=bool(facts["availability_write"]),
            scheme=str(first.get("scheme", "")),
            hostname=str(first.get("hostname", "")),
            port=int(first.get("port", 0)),
            prefix=str(first.get("prefix", "")),
        )

    def check_rse_expression(self, expression: str) -> None:
        """Raise `UsageError` for an RSE expression that is none, or that fits no RSE."""
        try:
            self._ask(f"look up RSEs {expression}", lambda c: list(c.list_rses(rse_expression=expression)))
        except RefusedError as error:
            raise UsageError(f"'{printable(expression)}' fits no RSE: {error.reason}; see `rucio rse list`") from error

    def files(self, scope: str, names: Sequence[str]) -> dict[str, KnownFile]:
        """Return what Rucio's columns say about those of `names` that exist (0.4 ms a file)."""
        found: dict[str, KnownFile] = {}
        for row in self._metadata_rows(scope, names, "DID_COLUMN"):
            found[str(row["name"])] = known_file(row)
        return found

    def metadata(self, scope: str, names: Sequence[str]) -> dict[str, dict[str, Scalar]]:
        """Return the JSON metadata of those of `names` that exist (1.4 ms a file)."""
        found: dict[str, dict[str, Scalar]] = {}
        for row in self._metadata_rows(scope, names, "JSON"):
            name = str(row.pop("name"))
            row.pop("scope", None)
            found[name] = row
        return found

    def _metadata_rows(self, scope: str, names: Sequence[str], plugin: str) -> Iterator[dict[str, Any]]:
        for some in chunks(names, CALL_LIMIT):
            yield from self._metadata_of(_dids(scope, some), plugin)

    def _metadata_of(self, dids: list[dict[str, str]], plugin: str) -> list[dict[str, Any]]:
        return self._ask(
            f"read metadata of {len(dids)} DIDs", lambda c: rows_of(c.get_metadata_bulk(dids, plugin=plugin))
        )

    def replicas(self, scope: str, names: Sequence[str], rse: str = "") -> dict[str, tuple[Replica, ...]]:
        """Return the replicas of files (0.7 ms a file).

        Parameters
        ----------
        scope, names
            Names of files, not of datasets.
        rse
            An RSE expression, ``""`` for all.

        Returns
        -------
        dict
            Name -> replicas, in all states but DELETED; a file without replicas is absent.
        """
        return {name: replicas for name, (_, replicas) in self.listed(scope, names, rse).items() if replicas}

    def listed(self, scope: str, names: Sequence[str], rse: str) -> dict[str, tuple[KnownFile, tuple[Replica, ...]]]:
        """Return size, checksums and replicas of files in one question (0.7 ms a file).

        Parameters
        ----------
        scope, names
            Names of files, not of datasets; those that do not exist are absent from the answer.
        rse
            An RSE expression, ``""`` for all; a file without replicas there has an empty tuple.
        """
        found: dict[str, tuple[KnownFile, tuple[Replica, ...]]] = {}
        for some in chunks(names, CALL_LIMIT):
            # Protocols of the local network first: with others the server sorts by place, five times as dear.
            rows = self._listed(_dids(scope, some), rse, "lan")
            found.update(rows)
            distant = [name for name, (_, replicas) in rows.items() if not all(replica.pfn for replica in replicas)]
            if distant:
                found.update(self._listed(_dids(scope, distant), rse, "wan"))
        return found

    def _listed(
        self, dids: list[dict[str, str]], rse: str, domain: str
    ) -> dict[str, tuple[KnownFile, tuple[Replica, ...]]]:
        rows = self._ask(
            f"list replicas of {len(dids)} files",
            lambda c: rows_of(c.list_replicas(dids, rse_expression=rse or None, all_states=True, domain=domain)),
        )
        return {str(row["name"]): (known_file({**row, "did_type": "FILE"}), replicas_of(row)) for row in rows}

    def contents(self, scope: str, name: str) -> dict[str, KnownFile] | None:
        """Return the direct contents of a dataset or container by name, None when there is no such DID."""
        try:
            rows = self._ask(f"list {scope}:{name}", lambda c: rows_of(c.list_content(scope, name)))
        except RefusedError as error:
            if error.kind == "DataIdentifierNotFound":
                return None
            raise
        return {str(row["name"]): known_file({**row, "did_type": row["type"]}) for row in rows}

    def files_of(self, scope: str, datasets: Sequence[str]) -> dict[str, set[str]]:
        """Return the names of the files of each dataset that has any (0.1 ms a file, 4 ms a dataset)."""
        found: dict[str, set[str]] = {}
        for some in chunks(datasets, CALL_LIMIT):
            for row in self._files_of(_dids(scope, some)):
                found.setdefault(str(row["parent_name"]), set()).add(str(row["name"]))
        return found

    def _files_of(self, dids: list[dict[str, str]]) -> list[dict[str, Any]]:
        return self._ask(f"list the files of {len(dids)} datasets", lambda c: rows_of(c.bulk_list_files(dids)))

    def holdings(self, scope: str, dataset: str) -> dict[str, Holding]:
        """Return what each RSE holds of a dataset, counted now; on SQLite as dear as the whole catalogue is large."""
        rows = self._ask(
            f"count replicas of {scope}:{dataset}",
            lambda c: rows_of(c.list_dataset_replicas(scope, dataset, deep=True)),
        )
        return {
            str(row["rse"]): Holding(
                rse=str(row["rse"]),
                available_files=int(row["available_length"] or 0),
                available_bytes=int(row["available_bytes"] or 0),
                files=int(row["length"] or 0),
                bytes=int(row["bytes"] or 0),
            )
            for row in rows
        }

    def search(self, scope: str, filters: Sequence[Mapping[str, Scalar]], did_type: str = "file") -> list[str]:
        """Return the names that match.

        Parameters
        ----------
        scope
            Where to look.
        filters
            Alternatives; all conditions of one must hold: ``{"run.gte": 45000, "kind": "data"}``. JSON keys
            and Rucio's columns cannot be mixed, but for ``name``.
        did_type
            ``file``, ``dataset``, ``container``, ``collection`` or ``all``. Rucio ignores it for JSON keys;
            `Catalogue.files` tells the kind of each.
        """
        rows = self._ask(
            f"search scope {scope}",
            lambda c: [str(name) for name in c.list_dids(scope, [dict(f) for f in filters], did_type=did_type)],
        )
        return sorted(set(rows))

    def rules(self, scope: str, name: str) -> tuple[Rule, ...]:
        """Return the rules of a DID."""
        rows = self._ask(f"list rules of {scope}:{name}", lambda c: rows_of(c.list_did_rules(scope, name)))
        return tuple(Rule(str(r["rse_expression"]), int(r["copies"]), str(r["state"])) for r in rows)

    def paths(self, rse: str, scope: str, names: Sequence[str]) -> dict[str, str]:
        """Return the PFN that a deterministic RSE computes for each name."""
        found: dict[str, str] = {}
        longest = max((len(name) for name in names), default=1) + len(scope) + len("&lfn=:")
        for some in chunks(names, max(1, _URL_LIMIT // longest)):
            pfns = self._paths_of(rse, [f"{scope}:{name}" for name in some])
            found.update({name: str(pfns[f"{scope}:{name}"]) for name in some})
        return found

    def _paths_of(self, rse: str, lfns: list[str]) -> dict[str, str]:
        return self._ask(f"compute paths at {rse}", lambda c: c.lfns2pfns(rse, lfns))

    # -- changes -----------------------------------------------------------------------------------------

    def add_collections(self, scope: str, names: Sequence[str], kind: str) -> None:
        """Make each ``dataset`` or ``container`` that does not exist."""
        if not names:
            return
        try:
            self._add_collections(scope, names, kind)
        except RefusedError as error:
            if error.kind != "DataIdentifierAlreadyExists":
                raise
            if len(names) > 1:  # one of them exists and so none was made
                for name in names:
                    self.add_collections(scope, [name], kind)

    def _add_collections(self, scope: str, names: Sequence[str], kind: str) -> None:
        # Monotonic: files can be added, and not be taken away by accident.
        rows = [{"scope": scope, "name": name, "statuses": {"monotonic": True}} for name in names]
        add = "add_datasets" if kind == "dataset" else "add_containers"
        self._ask(f"make {len(rows)} {kind}s", lambda c: getattr(c, add)(rows))

    def add_replicas(self, rse: str, scope: str, files: Sequence[NewReplica]) -> None:
        """Declare replicas; all or none.

        Repeating it does no harm. Rucio keeps silent when a file exists with other checksums: compare before
        and after. Raises `RefusedError` when one of them is invalid, without saying which.
        """
        rows = [
            {
                "scope": scope,
                "name": file.name,
                "bytes": file.size,
                **{key: value for key, value in _checksums_and_path(file) if value},
            }
            for file in files
        ]
        self._ask(f"declare {len(rows)} replicas at {rse}", lambda c: c.add_replicas(rse, rows), divisible=True)

    def attach(self, scope: str, members: Mapping[str, Iterable[str]]) -> None:
        """Put DIDs into collections: collection -> names; those that are in it already stay."""
        attachments = [{"scope": scope, "name": name, "dids": _dids(scope, dids)} for name, dids in members.items()]
        self._ask(
            f"attach DIDs to {len(attachments)} collections",
            lambda c: c.attach_dids_to_dids(attachments, ignore_duplicate=True),
            divisible=True,
        )

    def set_metadata(self, scope: str, values: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Set metadata of many DIDs, all or none: name -> keys and values; other keys stay as they are."""
        dids = [{"scope": scope, "name": name, "meta": dict(meta)} for name, meta in values.items()]
        self._ask(f"set metadata of {len(dids)} DIDs", lambda c: c.set_dids_metadata_bulk(dids), divisible=True)

    def add_rule(self, scope: str, name: str, rse_expression: str) -> bool:
        """Ask for one copy of a DID at an RSE expression, worked out by the server later; False when asked before."""
        try:
            self._ask(
                f"add rule for {scope}:{name}",
                lambda c: c.add_replication_rule(
                    [{"scope": scope, "name": name}], 1, rse_expression, asynchronous=True, comment="antares-legacy"
                ),
            )
        except RefusedError as error:
            if error.kind != "DuplicateRule":
                raise
            return False
        return True

    def upload(self, path: str, rse: str, scope: str, name: str) -> None:
        """Copy a file to an RSE with Rucio's own client, for protocols that are no mounted disk; declare nothing."""
        logger = _silent_logger()
        self._ask(f"upload {path}", lambda c: upload_file(c, path, rse, scope, name, logger))


def chunks(values: Sequence[Answer], size: int) -> Iterator[Sequence[Answer]]:
    """Yield `values` in pieces of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _checksums_and_path(file: NewReplica) -> tuple[tuple[str, str], ...]:
    return ("adler32", file.adler32), ("md5", file.md5), ("pfn", file.pfn)


def _dids(scope: str, names: Iterable[str]) -> list[dict[str, str]]:
    return [{"scope": scope, "name": name} for name in names]


def _silent_logger() -> logging.Logger:
    """Return a logger that keeps the client's messages from stderr: we say what matters ourselves."""
    logger = logging.getLogger("antares_legacy.rucio")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def _new_client() -> "Client":
    from rucio.client import Client

    return Client(logger=_silent_logger(), user_agent="antares-legacy")
