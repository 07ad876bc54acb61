"""What both kinds of containers do alike: system files, and processes of the worker."""
import os
import resource

from family import WORKER


def as_worker(user="worker"):
    """Is run between fork and exec."""
    def before_exec():
        resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))
        if user != "root":
            os.setgid(WORKER)
            os.setuid(WORKER)
    return before_exec


def environment():
    return dict(os.environ, HOME="/task")


def system_files():
    """Takes over /task/systemfiles; returns the name of the file that failed, else None."""
    for name, mode in (("hosts", "a"), ("resolv.conf", "w")):
        path = "/task/systemfiles/" + name
        if not os.path.exists(path):
            continue
        try:
            with open(path) as source, open("/etc/" + name, mode) as target:
                target.write("\n" + source.read())
        except OSError:
            return name
    return None
