"""The process between this program and a program that it starts: makes namespaces, passes signals on, ends both.

It is started by `containers.engine.process` and imports only the standard library. Between the two stands a pipe for
what went wrong before the program ran; its exit code is that of the program.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from containers.engine import kernel, mounts
from containers.engine.space import Space, space_from_json

NOT_STARTED = 125
_PASSED_ON = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2})
_WATCHED = _PASSED_ON | {signal.SIGCHLD}
_LARGEST_RANGE = 0xFFFFFFFE
_FROM_TERMINAL = 0x80  # SI_KERNEL: the whole process group has it already


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be started, and how."""

    space: Space
    folder: str
    channel: int
    patience: float
    command: list[str]


def main(space: str, folder: str, caller: str, report: str, patience: str, command: list[str]) -> int:
    """Start a program and stay with it.

    Parameters
    ----------
    space
        A `Space` as JSON.
    folder
        Working directory of the program.
    caller
        Process id of the process that must stay alive.
    report
        File descriptor for what went wrong before the program ran: JSON with ``error``.
    patience
        Seconds between SIGTERM and SIGKILL.
    command
        Program and arguments.

    Returns
    -------
    int
        Exit code of the program, 128 + N when signal N ended it, `NOT_STARTED` when it never ran.
    """
    order = _Order(space_from_json(space), folder, int(report), float(patience), command)
    os.set_inheritable(order.channel, False)
    signal.pthread_sigmask(signal.SIG_SETMASK, _WATCHED)
    return _reported(order.channel, lambda: _start(order, int(caller)))


def _reported(channel: int, work: Callable[[], int]) -> int:
    try:
        return work()
    except OSError as error:
        _report(channel, error.strerror or str(error))
        return NOT_STARTED


def _report(channel: int, problem: str) -> None:
    os.write(channel, json.dumps({"error": problem[:2000]}).encode() + b"\n")


def _start(order: _Order, caller: int) -> int:
    space = order.space
    if space.user:
        _new_user_namespace(space.user)
    # Only now: a new user namespace drops the wish.
    kernel.signal_at_end_of_parent(signal.SIGTERM)
    if os.getppid() != caller:
        return NOT_STARTED
    if not space.apart:
        kernel.adopt_orphans()
        code = _accompany(_fork(lambda: _execute(order)), order.patience)
        _end_descendants()
        return code
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | (0 if space.network else kernel.CLONE_NEWNET))
    alive, keep = os.pipe()
    first = _fork(lambda: _reported(order.channel, lambda: _first_process(order, alive, keep)))
    os.close(alive)
    os.write(keep, b"\n")
    return _accompany(first, order.patience)


def _first_process(order: _Order, alive: int, keep: int) -> int:
    """Be process 1 of the new namespace: when it ends, the kernel ends all the others."""
    kernel.signal_at_end_of_parent(signal.SIGKILL)
    os.close(keep)
    if not os.read(alive, 1):  # the parent was gone before the wish was heard
        return NOT_STARTED
    mounts.keep_mounts_private()
    if not order.space.network:
        kernel.raise_loopback()
    if order.space.root is None:
        mounts.mount_processes()
    else:
        mounts.enter_root(order.space.root)
    return _accompany(_fork(lambda: _execute(order)), order.patience)


def _fork(work: Callable[[], int]) -> int:
    child = os.fork()
    if child:
        return child
    code = NOT_STARTED
    try:
        code = work()
    finally:
        os._exit(code)


def _execute(order: _Order) -> int:
    # Python ignores these two, and a program would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.chdir(order.folder)
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        os.execvp(order.command[0], order.command)  # noqa: S606  the program that was asked for
    except OSError as error:
        _report(order.channel, f"{error.filename or order.command[0]}: {error.strerror}")
    return NOT_STARTED


def _accompany(child: int, patience: float) -> int:
    """Wait for the child, reap orphans, pass signals on."""
    deadline = 0.0
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if ended:
            continue
        left = max(0.0, deadline - time.monotonic()) if deadline else 3600.0
        heard = signal.sigtimedwait(_WATCHED, left)
        if heard is None:
            if deadline:
                os.kill(child, signal.SIGKILL)
                deadline = time.monotonic() + patience
        elif heard.si_signo in _PASSED_ON and heard.si_code != _FROM_TERMINAL:
            os.kill(child, heard.si_signo)
            if heard.si_signo == signal.SIGTERM and not deadline:
                deadline = time.monotonic() + patience


def _end_descendants() -> None:
    """End what the program left behind; orphans are children of this process."""
    listing = Path(f"/proc/self/task/{os.getpid()}/children")
    while listing.exists():
        children = [int(number) for number in listing.read_text().split()]
        if not children:
            return
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _new_user_namespace(kind: str) -> None:
    """Enter a user namespace; a second process, which stays outside, writes the maps where that takes root."""
    if kind == "own":
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWUSER)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
        return
    maps = {name: _identity(name) for name in ("uid_map", "gid_map")}
    entered, tell = os.pipe()
    target = os.getpid()
    writer = _fork(lambda: _write_maps(target, maps, entered, tell))
    kernel.unshare(kernel.CLONE_NEWUSER)
    os.write(tell, b"\n")
    os.close(tell)
    os.close(entered)
    _, status = os.waitpid(writer, 0)
    if status:
        number = os.waitstatus_to_exitcode(status)
        raise OSError(number, f"map of users: {os.strerror(number) if number > 0 else 'its writer was killed'}")


def _write_maps(target: int, maps: dict[str, str], entered: int, tell: int) -> int:
    os.close(tell)
    if not os.read(entered, 1):  # the other process failed and says why
        return 0
    try:
        for name, text in maps.items():
            _write(f"/proc/{target}/{name}", text)
    except OSError as error:
        return error.errno or 1
    return 0


def _identity(name: str) -> str:
    """Map every user (group) of the own namespace to itself: a map of root alone breaks chown and apt.

    A range as large as that of the first namespace would make Apptainer believe that it is there, and mount what only
    that one may mount.
    """
    ranges = [line.split() for line in Path(f"/proc/self/{name}").read_text().splitlines()]
    return "".join(f"{first} {first} {min(int(count), _LARGEST_RANGE)}\n" for first, _, count in ranges)


def _write(path: str, text: str) -> None:
    # In one write: the kernel takes no second one.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
