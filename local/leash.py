"""Run a program that ends when the one who started it does, as another system user when asked.

Started as ``python -I -S local/leash.py PARENT_PID SIGNAL USER COMMAND...`` (USER may be empty). On Linux the
kernel is asked to send SIGNAL to this process as soon as its parent dies, however it dies; then COMMAND takes
the process over. A program of its own, because code between fork and exec is not safe beside threads.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, signal_number, user, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    if user:
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.environ.update(HOME="/", USER=user, LOGNAME=user)
    if sys.platform == "linux":  # after the change of user, which would undo it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - the caller's own fixed list


if __name__ == "__main__":
    main()
