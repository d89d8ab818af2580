"""The configuration files of a sandbox: Rucio's server and clients, and the versioning of its tables."""

import configparser
import io
from collections.abc import Mapping
from pathlib import Path

from ingest.sandbox.content import ROOT, ROOT_IDENTITY
from ingest.sandbox.database import SQLITE

_POLICY = {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"}


def server_configuration(database: str, password: str) -> str:
    """Return the text of the server's ``rucio.cfg``; paths in it are relative to the sandbox's folder.

    Parameters
    ----------
    database
        ``sqlite`` or a URL.
    password
        Of the account root.
    """
    sections = {
        "common": {"logdir": "log", "loglevel": "WARNING"},
        "database": {"default": _url(database), "pool_reset_on_return": "rollback"},
        "bootstrap": {
            "userpass_identity": ROOT_IDENTITY,
            "userpass_pwd": password,
            "userpass_email": "root@localhost",
            # Rucio's defaults here are keys that everyone can have.
            "x509_identity": "",
            "gss_identity": "",
            "ssh_identity": "",
        },
        "alembic": {"cfg": "alembic.ini"},
        "policy": _POLICY,
        "trace": {"tracedir": "log", "brokers": "", "port": "61013", "topic": "/topic/rucio.tracer"},
        "monitor": {"carbon_server": "localhost", "carbon_port": "8125", "user_scope": "test"},
        "conveyor": {"scheme": "file,mock", "transfertool": "mock"},
        "api": {"endpoints_add": "archives"},
    }
    if database == SQLITE:
        sections["metadata"] = {"plugins": "rucio_sqlite_metadata.SqliteJSONDidMeta"}
    return _text(sections)


def client_configuration(url: str, account: str, password: str) -> str:
    """Return the text of a client's ``rucio.cfg`` for one account of the sandbox."""
    client = {
        "rucio_host": url,
        "auth_host": url,
        "auth_type": "userpass",
        "username": ROOT_IDENTITY if account == ROOT else account,
        "password": password,
        "account": account,
        "request_retries": "3",
    }
    return _text({"client": client, "policy": _POLICY})


def versioning_configuration(database: str, migrations: Path) -> str:
    """Return the text of ``alembic.ini``, with which Rucio notes the version of its tables.

    Parameters
    ----------
    database
        ``sqlite`` or a URL.
    migrations
        The folder of Rucio's migrations in the server's environment.
    """
    return _text(
        {
            "alembic": {"script_location": str(migrations), "sqlalchemy.url": _url(database)},
            "loggers": {"keys": "root"},
            "handlers": {"keys": "console"},
            "formatters": {"keys": "plain"},
            "logger_root": {"level": "WARN", "handlers": "console", "qualname": ""},
            "handler_console": {"class": "StreamHandler", "args": "(sys.stderr,)", "formatter": "plain"},
            "formatter_plain": {"format": "%(levelname)s %(message)s"},
        }
    )


def _url(database: str) -> str:
    return "sqlite:///rucio.db" if database == SQLITE else database


def _text(sections: Mapping[str, Mapping[str, str]]) -> str:
    # Rucio and alembic read with interpolation, in which a percent sign is written twice; logging takes the
    # section of formats as it is.
    parser = configparser.ConfigParser(interpolation=None)
    for name, values in sections.items():
        raw = name.startswith("formatter_")
        parser[name] = {key: value if raw else value.replace("%", "%%") for key, value in values.items()}
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()
