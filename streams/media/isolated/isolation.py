"""What the decoding process may still do once it parses hostile bytes: compute, read one pipe and write another."""

import errno
import mmap
import os
import platform
import resource
import sys
from contextlib import suppress

_ALLOWED_CALLS = (
    *("read", "write", "close"),
    *("brk", "munmap", "mremap", "madvise"),
    *("futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "exit", "exit_group"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall", "setitimer"),
    *("clock_gettime", "clock_nanosleep", "nanosleep", "getpid", "gettid", "getrandom", "sysinfo"),
)
"""System calls allowed with any arguments; `isolate` adds those allowed in part."""
_PR_SET_NAME, _CLONE_THREAD = 15, 0x10000


def limit(memory_bytes: int) -> None:
    """Limits this process's memory permanently; it writes no file and leaves no core dump."""
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_AS, memory_bytes)]
    for which, value in limits:
        # macOS has no limit on address space; the parent's time limit still holds.
        with suppress(ValueError, OSError):
            resource.setrlimit(which, (value, value))


def isolate(*more_calls: str) -> str:
    """Denies this process permanently, by EPERM, every system call that decoding does not need, but for `more_calls`.

    Returns an empty string, or the reason why it runs without isolation. Nothing more can be imported afterwards.
    """
    if sys.platform != "linux":
        return f"{platform.system()} has no system call filter (seccomp)"
    try:
        from seccompy import Action, ArgCmp, CmpOp, Filter

        rules = Filter(Action.ERRNO | errno.EPERM)
        for call in (*_ALLOWED_CALLS, *more_calls):
            rules.allow(call)
        if platform.machine() == "x86_64":
            rules.allow("alarm")  # on arm64 it is made of setitimer
        for call in ("mmap", "mprotect"):  # no memory becomes executable
            rules.allow(call, args=[ArgCmp(2, CmpOp.MASKED_EQ, 0, mask=mmap.PROT_EXEC)])
        # Threads, as the AVIF parser uses them, and no processes; a filter cannot read clone3's flags, without it
        # the C library uses clone.
        rules.errno("clone3", errno.ENOSYS)
        rules.allow("clone", args=[ArgCmp(0, CmpOp.MASKED_EQ, _CLONE_THREAD, mask=_CLONE_THREAD)])
        rules.allow("prctl", args={0: _PR_SET_NAME})
        rules.allow("tgkill", args={0: os.getpid()})  # how the C library aborts
        rules.load()
    except (ImportError, OSError, ValueError) as failure:
        return f"no system call filter (seccomp): {failure}"
    with suppress(PermissionError):
        os.close(os.open("/", os.O_RDONLY))
        return "the kernel accepts a system call filter (seccomp) and does not apply it"
    return ""
