"""Fills a new practice server: scope, storages, accounts, quotas and distances, through Rucio's client.

A script, started by its path with the interpreter of the server's own environment; it imports nothing of
this program. ``RUCIO_CONFIG`` names the configuration of the account root; a description of what to make comes
as JSON on standard input (see ``content.py``), since it holds passwords.
"""

import json
import sys
from typing import Any


def fill(client: Any, content: dict[str, Any]) -> None:
    """Make everything that `content` describes."""
    for account in content["accounts"]:
        name, mail = account["name"], f"{account['name']}@localhost"
        client.add_account(name, account["kind"], mail)
        client.add_identity(
            account=name, identity=name, authtype="USERPASS", email=mail, password=account["password"], default=True
        )
        if account["admin"]:
            # The generic permissions let only such an account add replicas.
            client.add_account_attribute(name, "admin", "True")
    for scope in content["scopes"]:
        client.add_scope(scope["account"], scope["name"])
    for rse in content["rses"]:
        client.add_rse(rse["name"], deterministic=rse["deterministic"], volatile=False)
        client.add_protocol(rse["name"], rse["protocol"])
    for quota in content["quotas"]:
        client.set_local_account_limit(quota["account"], quota["rse"], quota["bytes"])
    for source, destination in content["distances"]:
        client.add_distance(source, destination, {"distance": 1})


def main() -> int:
    """Run the script; returns the exit code."""
    content = json.load(sys.stdin)
    from rucio.client import Client

    fill(Client(), content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
