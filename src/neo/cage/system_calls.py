"""The system calls that a caged program may make, compiled to a filter for the kernel (seccomp, in classic BPF).

What is not listed fails with EPERM. Nothing listed opens, connects, signals, traces, starts or changes anything outside
of the process, so that it is confined whoever it runs as.
"""

import errno
import platform
import struct
from collections.abc import Iterator

# By name: the numbers of asm/unistd_64.h (x86-64) and asm-generic/unistd.h (AArch64).
ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "exit": (60, 93),
    "futex": (202, 98),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
}
# Allowed too, but for memory that can be executed: bytes must not become code.
MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}
# By `platform.machine()`: the column above, and AUDIT_ARCH_* of linux/audit.h.
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}

# Where struct seccomp_data (linux/seccomp.h) has the call's number, the architecture, the third argument's low half.
NUMBER_AT, ARCHITECTURE_AT, THIRD_AT = 0, 4, 32
# linux/bpf_common.h: load a word, jump if equal, if greater or equal, if a bit is set; return.
LOAD, IF_EQUAL, IF_FROM, IF_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
# linux/seccomp.h
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
# From here on x86-64 counts calls of its x32 interface, which has other numbers.
X32_FROM = 0x40000000
PROT_EXEC = 4

Instruction = tuple[int, int, int, int]


def call_filter(machine: str | None = None) -> bytes:
    """An array of struct sock_filter for this machine; empty where its numbers are not known."""
    known = MACHINES.get(machine or platform.machine())
    if known is None or platform.system() != "Linux":
        return b""
    return b"".join(struct.pack("=HBBI", *one) for one in _instructions(*known))


def _instructions(column: int, architecture: int) -> Iterator[Instruction]:
    """Each is (operation, how many to skip if true, how many if not, value)."""
    yield LOAD, 0, 0, ARCHITECTURE_AT
    yield IF_EQUAL, 1, 0, architecture
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, NUMBER_AT
    yield IF_FROM, 0, 1, X32_FROM
    yield RETURN, 0, 0, KILL
    for numbers in ALLOWED.values():
        yield IF_EQUAL, 0, 1, numbers[column]
        yield RETURN, 0, 0, ALLOW
    for numbers in MAPPING.values():
        yield IF_EQUAL, 0, 4, numbers[column]
        yield LOAD, 0, 0, THIRD_AT
        yield IF_BIT, 0, 1, PROT_EXEC
        yield RETURN, 0, 0, REFUSE
        yield RETURN, 0, 0, ALLOW
    yield RETURN, 0, 0, REFUSE
