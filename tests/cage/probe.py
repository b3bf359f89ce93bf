"""A program that tries to get out of its cage, in every way that we know, and says what each try gave."""

# ruff: noqa: PTH101, PTH102, PTH106, PTH108, PTH116, PTH123, PTH208 - the calls themselves are what is tried.

import _thread
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

Targets = dict[str, Any]
LIBC = ctypes.CDLL(None, use_errno=True)
ARM = os.uname().machine == "aarch64"
# Numbers of the calls that Python has no function for: asm/unistd_64.h, asm-generic/unistd.h.
PTRACE, PROCESS_VM_READV = (117, 270) if ARM else (101, 310)
ADD_KEY, BPF, PERF_EVENT_OPEN, USERFAULTFD = (217, 280, 241, 282) if ARM else (248, 321, 298, 323)
IO_URING_SETUP, CLONE_NEWUSER, PTRACE_ATTACH, DONE = 425, 0x10000000, 16, 7


def call(number: int, *arguments: Any) -> int:
    found = LIBC.syscall(number, *arguments)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(found)


def apart(attempt: Callable[[], object]) -> None:
    """In a child, since the try changes the process that makes it; here, where no child can be made."""
    try:
        child = os.fork()
    except OSError:
        attempt()
        return
    if child == 0:
        code = 0
        try:
            attempt()
        except (OSError, ValueError) as error:
            code = getattr(error, "errno", None) or 1
        os._exit(code)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(code, os.strerror(code))


def connect(family: int, address: Any) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(2)
        sock.connect(address)


def read(path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        assert file.read(1)


def write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.unlink(path)


def make_folder(path: str) -> None:
    os.mkdir(path)
    os.rmdir(path)


def fork(times: int = 1) -> None:
    for _ in range(times):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)


def execute() -> None:
    try:
        child = os.fork()
    except OSError:
        os.execv("/bin/sh", ["sh", "-c", f"exit {DONE}"])
    if child == 0:
        os.execv("/bin/sh", ["sh", "-c", f"exit {DONE}"])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DONE


def thread() -> None:
    try:
        _thread.start_new_thread(lambda: None, ())
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error


def read_memory(pid: int) -> None:
    """Of another process, from an address that is not mapped: who may read it gets EFAULT."""
    here, there = (
        (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8),
        (ctypes.c_uint64 * 2)(8, 8),
    )
    try:
        call(PROCESS_VM_READV, pid, here, 1, there, 1, 0)
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise


def trace(pid: int) -> None:
    call(PTRACE, PTRACE_ATTACH, pid, 0, 0)


def change_limit(pid: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_CORE, resource.prlimit(pid, resource.RLIMIT_CORE))


def raise_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def map_memory(size: int, protection: int = mmap.PROT_READ) -> None:
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=protection).close()


def environment(name: str) -> None:
    if name not in os.environ:
        raise OSError(errno.ENOENT, name)


def close(*opened: int) -> None:
    for one in opened:
        os.close(one)


def prctl(*arguments: int) -> None:
    if LIBC.prctl(*arguments, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


TRIES: dict[str, Callable[[Targets], object]] = {
    "connect by IPv4": lambda to: connect(socket.AF_INET, ("127.0.0.1", to["port"])),
    "connect by IPv6": lambda to: connect(socket.AF_INET6, ("::1", to["port"])),
    "connect to a socket in a folder": lambda to: connect(socket.AF_UNIX, to["socket"]),
    "connect to an abstract socket": lambda to: connect(socket.AF_UNIX, to["abstract"]),
    "send a datagram": lambda to: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
        b"x", ("127.0.0.1", to["port"])
    ),
    "listen": lambda _: socket.create_server(("127.0.0.1", 0)).close(),
    "ask the kernel for its interfaces": lambda _: socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW, 0
    ).close(),
    "make a pair of sockets": lambda _: close(*(one.detach() for one in socket.socketpair())),
    "read a secret file": lambda to: read(to["secret"]),
    "look whether a file is there": lambda to: os.stat(to["secret"]),
    "read /etc/passwd": lambda _: read("/etc/passwd"),
    "read the interpreter's library": lambda _: read(os.__file__),
    "list /": lambda _: os.listdir("/"),
    "open /dev/zero": lambda _: read("/dev/zero"),
    "write to /tmp": lambda to: write(f"/tmp/{to['name']}"),
    "write to /dev/shm": lambda to: write(f"/dev/shm/{to['name']}"),
    "make a folder": lambda to: make_folder(f"/tmp/{to['name']}"),
    "change the rights of a file": lambda to: os.chmod(to["secret"], 0o600),
    "make a file in memory": lambda _: close(os.memfd_create("probe")),
    "make a pipe": lambda _: close(*os.pipe()),
    "copy a descriptor": lambda _: close(os.dup(0)),
    "read an inherited descriptor": lambda to: os.fstat(to["descriptor"]),
    "read the server's environment": lambda to: read(f"/proc/{to['server']}/environ"),
    "read the server's command line": lambda to: read(f"/proc/{to['server']}/cmdline"),
    "read its own environment": lambda _: read("/proc/self/environ"),
    "read its own memory's map": lambda _: read("/proc/self/maps"),
    "find a secret in its environment": lambda to: environment(to["variable"]),
    "read the server's memory": lambda to: read_memory(to["server"]),
    "signal the server": lambda to: os.kill(to["server"], 0),
    "signal its parent": lambda _: os.kill(os.getppid(), 0),
    "signal everybody": lambda _: os.kill(-1, 0),
    "open the server as a descriptor": lambda to: close(os.pidfd_open(to["server"])),
    "change the server's limits": lambda to: change_limit(to["server"]),
    "change the server's priority": lambda to: os.setpriority(os.PRIO_PROCESS, to["server"], 19),
    "fork": lambda _: fork(),
    "fork a hundred times": lambda _: fork(100),
    "start a thread": lambda _: thread(),
    "execute /bin/sh": lambda _: execute(),
    "map four gigabytes": lambda _: map_memory(4 << 30),
    "map memory to be executed": lambda _: map_memory(
        4096, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    ),
    "raise its limits": lambda _: apart(raise_limit),
    "be open to others again": lambda _: apart(lambda: prctl(4, 1)),
    "sleep": lambda _: call(115 if ARM else 230, 1, 0, (ctypes.c_long * 2)(0, 1), None),
    "set up io_uring": lambda _: close(call(IO_URING_SETUP, 1, ctypes.create_string_buffer(120))),
    "add a key to the kernel's ring": lambda _: call(ADD_KEY, b"user", b"probe", b"x", 1, -3),
    "make a user namespace": lambda _: apart(lambda: call(97 if ARM else 272, CLONE_NEWUSER)),
    "make a network namespace": lambda _: apart(lambda: call(97 if ARM else 272, 0x40000000)),
    "become root": lambda _: apart(lambda: os.setresuid(0, 0, 0)),
    "change root": lambda _: apart(lambda: os.chroot("/")),
    "mount": lambda _: apart(lambda: call(40 if ARM else 165, b"none", b"/", None, 1 << 18, None)),
    "load a program into the kernel": lambda _: close(call(BPF, 0, (ctypes.c_uint32 * 8)(2, 4, 8, 1), 32)),
    "count the machine's events": lambda _: close(
        call(PERF_EVENT_OPEN, (ctypes.c_uint32 * 32)(1, 128), -1, 0, -1, 0)
    ),
    "handle page faults": lambda _: close(call(USERFAULTFD, 0)),
    "change its personality": lambda _: call(92 if ARM else 135, 0),
    "trace the server": lambda to: apart(lambda: trace(to["server"])),
}


def main() -> int:
    targets = json.loads(sys.stdin.buffer.read())
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    said = {}
    for name, attempt in TRIES.items():
        try:
            attempt(targets)
            said[name] = ""
        except (OSError, ValueError, MemoryError) as refused:
            said[name] = f"{type(refused).__name__}: {refused}"
    sys.stdout.buffer.write(json.dumps(said).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
