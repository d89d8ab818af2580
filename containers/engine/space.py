"""What a started program may see: a value that `containers.engine.process` sends to `containers.engine.entry`."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A path of the host that is bound into another root.

    Parameters
    ----------
    host, inside
        Absolute paths.
    writable
        The program may change it.
    """

    host: str
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """A folder with an operating system that becomes ``/``.

    Parameters
    ----------
    folder
        The folder.
    layered
        The folder itself is not changed: its contents are bound read-only into an empty file system, in which any
        mount point can be made. Otherwise the folder is writable, and the places of `binds` must exist in it.
    devices
        All devices and ``/sys`` of the host are seen; otherwise ``/dev`` has ``null``, ``zero``, ``random``, ``tty``
        and the like only.
    binds
        What else is seen, in this order.
    """

    folder: str
    layered: bool = True
    devices: bool = False
    binds: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Space:
    """Namespaces of a program.

    Parameters
    ----------
    user
        ``identity`` for a user namespace in which all users are the same as outside (root only), ``own`` for one
        that knows the own user alone, ``""`` for none.
    apart
        Own mounts and processes: they end with the program, however it ends.
    network
        False: only the loopback interface; needs `apart`.
    root
        Another ``/``; needs `apart`.
    """

    user: str = ""
    apart: bool = False
    network: bool = True
    root: Root | None = None

    def to_json(self) -> str:
        """Return the value as JSON in one line."""
        return json.dumps(asdict(self))


def space_from_json(text: str) -> Space:
    """Return what `Space.to_json` wrote."""
    values = json.loads(text)
    root = values.pop("root")
    if root is not None:
        binds = tuple(Shown(**bind) for bind in root.pop("binds"))
        root = Root(binds=binds, **root)
    return Space(root=root, **values)
