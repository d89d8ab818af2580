"""What the kernel lets this process do: capabilities and user namespaces, found out and never assumed."""

import os
from functools import cache
from pathlib import Path

from containers.engine.process import Start, collect
from containers.engine.space import Space
from legacy.errors import MachineError

_STATUS = Path("/proc/self/status")
_LAST = Path("/proc/sys/kernel/cap_last_cap")
# linux/capability.h, in the order of their numbers.
_NAMES = (
    *("chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"),
    *("linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner"),
    *("sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice"),
    *("sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap"),
    *("mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf"),
    "checkpoint_restore",
)


def is_root() -> bool:
    """Return whether this process runs as root."""
    return os.geteuid() == 0


def missing_capabilities() -> tuple[str, ...]:
    """Return the capabilities that the kernel knows and this process may not have, such as ``CAP_SYS_RESOURCE``."""
    permitted = 0
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("CapPrm:"):
            permitted = int(line.split()[1], 16)
    last = int(_LAST.read_text(encoding="ascii"))
    return tuple(_name(number) for number in range(last + 1) if not permitted >> number & 1)


def _name(number: int) -> str:
    return "CAP_" + (_NAMES[number].upper() if number < len(_NAMES) else str(number))


@cache
def trouble_with(space: Space) -> str:
    """Try to start a program in `space`; return what was refused, ``""`` when it works."""
    environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
    try:
        code, said = collect(Start(("true",), "/", environment, space))
    except MachineError as error:
        return str(error)
    return "" if code == 0 else said or f"exit code {code}"


def own_space(*, network: bool = True) -> Space:
    """Return the namespaces in which Apptainer has all it needs.

    As root with an incomplete set of capabilities, Apptainer asks for the complete one and stops; inside a user
    namespace the set is complete. An ordinary user needs neither.
    """
    if not is_root():
        return Space(user="own", apart=True, network=network)
    return Space(user="identity" if missing_capabilities() else "", apart=True, network=network)
