"""Where Rucio's server is, for messages: never with the user and password that a URL can have."""

from urllib.parse import urlsplit

from legacy.errors import printable

UNKNOWN_SERVER = "Rucio"


def without_credentials(url: str) -> str:
    """Return scheme, host and port of a URL, and nothing else that may be in it.

    Parameters
    ----------
    url
        Such as ``https://rucio.example:443/path``; anything, as it comes from a configuration.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return UNKNOWN_SERVER
    host = parts.netloc.rpartition("@")[2]
    return printable(f"{parts.scheme}://{host}") if parts.scheme and host else UNKNOWN_SERVER


def configured_server() -> str:
    """Return the address in Rucio's configuration, with that of the login where it is another one.

    The client that knows them is made by logging in, which is what fails when the server is away.
    """
    from rucio.common.config import config_get
    from rucio.common.exception import RucioException

    try:
        found = [config_get("client", key, raise_exception=False, default="") for key in ("rucio_host", "auth_host")]
    except RucioException:
        return UNKNOWN_SERVER  # the client says what is wrong with the configuration
    host, login = (without_credentials(str(url or "")) for url in found)
    return host if login in (host, UNKNOWN_SERVER) else f"{host} (login at {login})"
