"""The system calls that Python 3.11 lacks, by ctypes from the C library; only for Linux.

Names and numbers are those of the manual pages mount(2), unshare(2), pivot_root(2) and prctl(2).
"""

import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
# What a mount may have inherited and a user namespace may not take away: bit of statvfs and bit of mount.
_KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(what: str, name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave namespaces; raises OSError."""
    _call("unshare", "unshare", ctypes.c_int(flags))


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount; raises OSError that names the target."""
    texts = [os.fsencode(text) if text else None for text in (source, target, kind)]
    what = f"mount of {source or kind or 'nothing'} at {target}"
    _call(what, "mount", *texts, ctypes.c_ulong(flags), os.fsencode(data) if data else None)


def bind(source: str, target: str) -> None:
    """Show `source`, and what is mounted below it, at `target`; raises OSError."""
    mount(source, target, "", MS_BIND | MS_REC)


def freeze(target: str) -> None:
    """Make one mount read-only; raises OSError."""
    present = os.statvfs(target).f_flag
    kept = sum(flag for bit, flag in _KEPT.items() if present & bit)
    mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def change_root(folder: str) -> None:
    """Make the mount at `folder` the root and let go of the old one; raises OSError."""
    os.chdir(folder)
    # With both names the same, the old root lies on top of the new one and can be taken away (pivot_root(2)).
    _call(f"pivot_root to {folder}", "pivot_root", b".", b".")
    _call("umount of the old root", "umount2", b".", ctypes.c_int(_MNT_DETACH))
    os.chdir("/")


def signal_at_end_of_parent(number: int) -> None:
    """Ask for a signal when the parent ends; raises OSError."""
    _call("prctl", "prctl", ctypes.c_int(_PR_SET_PDEATHSIG), ctypes.c_ulong(number), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends; raises OSError."""
    _call("prctl", "prctl", ctypes.c_int(_PR_SET_CHILD_SUBREAPER), ctypes.c_ulong(1), 0, 0, 0)


def raise_loopback() -> None:
    """Switch the loopback interface of a new network namespace on; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1] | _IFF_UP
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))
