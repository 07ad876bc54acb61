"""One job of a grading container (TOOLKIT.md 9.2 to 9.6)."""
import base64
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile

import family
import process
import store

RUN_TYPES = {"py": "/usr/local/bin/inginious-ipython", "py3": "/usr/local/bin/inginious-ipython", "sh": "/bin/bash"}
NOT_RUN = "An error occured while running the grading script. It is possible that it is non-executable or made a timeout"


def grade(start, debug):
    debug = debug or start["debug"]
    prepare(start)
    out = err = b""
    if problem := unfit():
        store.update(result="crash", text=problem)
    else:
        out, err = run(start)
    feedback = store.load()
    if not feedback:
        feedback = {"result": "crash", "text": "No feedback was given !", "problems": {}, "tests": {}}
        archive = {}
    else:
        archive = {"archive": base64.b64encode(archived("/archive")).decode()}
    if debug:
        feedback.update(stdout=out.decode("utf-8", "replace"), stderr=err.decode("utf-8", "replace"))
    feedback.update(archive)
    give("/task")
    return feedback


def prepare(start):
    os.makedirs("/.__input", exist_ok=True)
    files = 0
    for key, value in start["input"].items():
        if isinstance(value, dict) and set(value) == {"filename", "value"}:
            path = "/.__input/__inputfile_%d" % files
            files += 1
            with open(path, "wb") as f:
                f.write(value["value"])
            value["value"] = path
    with open("/.__input/__inputdata.json", "w") as f:
        json.dump(start, f)
    for d in ("/.__output", "/archive", "/task"):
        os.makedirs(d, exist_ok=True)
    open(store.PATH, "w").close()
    if os.path.exists("/task/.ssh"):
        shutil.rmtree("/task/.ssh")
    for d in ("/tmp", "/task", "/.__output", "/archive"):
        give(d)
    if family.RELAYS and start.get("shared_kernel"):
        open(family.MARKER, "w").close()


def give(top):
    """Gives a directory and all below it to the worker. Links are followed, as they always were."""
    paths = [top]
    for directory, directories, names in os.walk(top):
        paths += [os.path.join(directory, name) for name in directories + names]
    for path in paths:
        os.chmod(path, 0o777)
        os.chown(path, family.WORKER, family.WORKER)


def unfit():
    """What keeps the script from being started, or None."""
    group = "/sys/fs/cgroup/memory.oom.group"
    if family.CHECKS_OOM_GROUP and os.path.exists(group):
        with open(group) as f:
            if f.read().strip() == "0":
                return "Cgroup flag memory.oom.group is not set. Please refer to the setup documentation."
    if name := process.system_files():
        return "Cannot read/use /task/systemfiles/" + name
    for path in ("/etc/hosts", "/etc/resolv.conf"):
        os.chown(path, 0, family.WORKER)
        os.chmod(path, 0o664)
    try:
        os.chown("/sockets/main.sock", family.WORKER, family.WORKER)
        os.chmod("/sockets/main.sock", 0o775)
    except OSError:
        pass
    return None


def command(start):
    if start.get("run_cmd") is not None:
        return start["run_cmd"].split(" ")
    for prefix in ("/task", "/course/common", "/course"):
        if os.path.exists(prefix + "/run"):
            return [prefix + "/run"]
        for extension, interpreter in RUN_TYPES.items():
            if os.path.exists(path := "%s/run.%s" % (prefix, extension)):
                return [interpreter, path]
    return None


def run(start):
    argv = command(start)
    if argv is None:
        store.update(result="crash", text="'/task/run' could not be found")
        return b"", b""
    os.chdir("/task")
    with tempfile.TemporaryFile() as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            if not argv[0].startswith("/course/common"):
                os.chmod(argv[0], os.stat(argv[0]).st_mode | stat.S_IXUSR)
            user = "root" if start.get("run_as_root") else "worker"
            subprocess.Popen(argv, stdin=nothing, stdout=out, stderr=err, env=process.environment(),
                             preexec_fn=process.as_worker(user)).wait()
        except (OSError, subprocess.SubprocessError):
            store.update(result="crash", text=NOT_RUN)
        for f in (out, err):
            f.seek(0)
        return out.read(), err.read()


def archived(top):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        tar.add(top, arcname="")
    return data.getvalue()
