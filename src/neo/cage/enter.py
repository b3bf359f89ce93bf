"""The inside of the cage: loads a program, locks its process, layer by layer, and only then runs the program.

Run by its path, in an interpreter of its own that imports nothing else of Neo. Its arguments are the path of the
program, a Python file with a function `main` that returns the exit code, and the orders as JSON. Without a program it
prints what it could not lock, and why.
"""

import ctypes
import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

LACKING = 78  # EX_CONFIG of sysexits.h: the machine does not give a layer that is required.
NICENESS = 5
# No account of any package or system has these ids (systemd's UIDS-GIDS lists them as unused). Cages that run at the
# same time have different ones.
FIRST_UID, UIDS = 60_600, 500

# linux/sched.h: new namespaces of mounts, host name, System V and POSIX queues, users, network.
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWNET = (
    0x00020000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x40000000,
)
# linux/prctl.h and linux/seccomp.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
SECCOMP_MODE_FILTER = 2
# The same on all architectures (asm-generic/unistd.h).
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
LANDLOCK_CREATE_RULESET_VERSION = 1
# linux/landlock.h: by the version from which on they are known, how many rights to files there are.
LANDLOCK_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}
LANDLOCK_NET_FROM, LANDLOCK_SCOPE_FROM, LANDLOCK_BOTH = 4, 6, 3
# linux/capability.h
CAPABILITY_VERSION_3 = 0x20080522


class NotGiven(Exception):
    """This machine, or this account, does not give a layer."""


def main() -> None:
    program, orders = sys.argv[1], json.loads(sys.argv[2])
    run = _loaded(program) if program else None
    missing = lock(orders)
    if lacking := [layer for layer in orders["required"] if layer in missing]:
        os.write(2, f"This machine's cage lacks: {', '.join(lacking)}.".encode())
        os._exit(LACKING)
    if run is None:
        os.write(1, json.dumps(missing).encode())
        os._exit(0)
    code = run()
    sys.stdout.flush()
    os._exit(code)


def lock(orders: Mapping[str, Any]) -> dict[str, str]:
    """Apply the layers in their order. Returns the reason for each that was not given."""
    missing = {}
    for layer, apply in APPLY.items():
        try:
            _apply(layer, apply, orders)
        except (NotGiven, OSError, ValueError) as reason:
            missing[layer] = str(reason)
    return missing


def _apply(layer: str, apply: Callable[[Mapping[str, Any]], None], orders: Mapping[str, Any]) -> None:
    if layer not in orders["layers"]:
        raise NotGiven("it was not asked for")
    if sys.platform != "linux" and layer not in EVERYWHERE:
        raise NotGiven("only Linux has it")
    apply(orders)


def _loaded(program: str) -> Callable[[], int]:
    spec = importlib.util.spec_from_file_location("caged", program)
    if spec is None or spec.loader is None:
        raise ImportError(program)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[], int] = module.main
    return found


def _namespaces(_: Mapping[str, Any]) -> None:
    """No network at all, not even abstract sockets, and nothing of System V."""
    flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS
    # Whoever is not root makes them as the owner of a new user namespace. Root does better to become another user.
    _done(_libc().unshare(flags if os.geteuid() == 0 else flags | CLONE_NEWUSER))


def _empty_root(_: Mapping[str, Any]) -> None:
    """No path leads anywhere: this folder has nothing but this process's descriptors, and nobody writes in it."""
    os.chroot("/proc/self/fdinfo")
    os.chdir("/")


def _other_user(_: Mapping[str, Any]) -> None:
    if os.geteuid() != 0:
        raise NotGiven("Neo does not run as root")
    uid = FIRST_UID + os.getpid() % UIDS
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _no_new_privileges(_: Mapping[str, Any]) -> None:
    """No capabilities, and no way to get any by a setuid program."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _done(_libc().capset(header, (ctypes.c_uint32 * 6)()))
    _done(_libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def _landlock(_: Mapping[str, Any]) -> None:
    """No file, no TCP, no abstract socket or signal of others: rights are named, and no rule gives one."""
    syscall = _libc().syscall
    version = _done(syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION))
    rights = max(count for since, count in LANDLOCK_FILE_RIGHTS.items() if since <= version)
    attributes = (ctypes.c_uint64 * 3)(
        (1 << rights) - 1,
        LANDLOCK_BOTH if version >= LANDLOCK_NET_FROM else 0,
        LANDLOCK_BOTH if version >= LANDLOCK_SCOPE_FROM else 0,
    )
    rules = _done(syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.sizeof(attributes), 0))
    try:
        _done(syscall(LANDLOCK_RESTRICT_SELF, rules, 0))
    finally:
        os.close(rules)


def _resource_limits(orders: Mapping[str, Any]) -> None:
    """Bounds of memory and processor time; no new descriptor, process, thread, file or core."""
    limits = {
        resource.RLIMIT_CPU: orders["processor_seconds"],
        resource.RLIMIT_AS: orders["memory_bytes"],
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_CORE: 0,
    }
    os.nice(NICENESS)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for limit, most in limits.items():
        # macOS has no limit of the address space.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


def _death_signal(orders: Mapping[str, Any]) -> None:
    """Killed with its parent, which may have died before the kernel was asked."""
    _done(_libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0))
    if os.getppid() != orders["parent"]:
        os._exit(1)


def _closed_to_others(_: Mapping[str, Any]) -> None:
    _done(_libc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))


def _call_filter(orders: Mapping[str, Any]) -> None:
    """From here on, only the listed system calls are made."""
    program = bytes.fromhex(orders["filter"])
    if not program:
        raise NotGiven("the numbers of this architecture's system calls are not known")
    instructions = ctypes.create_string_buffer(program, len(program))
    _done(
        _libc().prctl(
            PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(_Filter(len(program) // 8, instructions)), 0, 0
        )
    )


class _Filter(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))

    def __init__(self, length: int, instructions: Any) -> None:
        super().__init__(length, ctypes.addressof(instructions))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


# In the order of applying: a change of user clears a death signal, and without descriptors there are no Landlock rules.
APPLY: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "namespaces": _namespaces,
    "empty root": _empty_root,
    "other user": _other_user,
    "no new privileges": _no_new_privileges,
    "landlock": _landlock,
    "resource limits": _resource_limits,
    "death signal": _death_signal,
    "closed to others": _closed_to_others,
    "system call filter": _call_filter,
}
LAYERS: Collection[str] = tuple(APPLY)
EVERYWHERE: Collection[str] = ("resource limits",)
# The filter alone leaves neither files, network nor processes. Memory and time, and what others do to the process, are
# the other three's. What is not here says the same once more, for the day on which the kernel's filter has a hole.
MINIMUM: Collection[str] = ("no new privileges", "resource limits", "closed to others", "system call filter")

if __name__ == "__main__":
    main()
