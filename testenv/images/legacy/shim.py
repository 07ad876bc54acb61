"""_run_student_intern, the first process of a student container (PROTOCOL.md 5.5 and 5.7)."""
import array
import os
import shlex
import socket
import subprocess
import sys
import threading

import msgpack

import family
import frames
import process

SCRIPTS = "/task/student/scripts"
NOTHING = "echo 'info: student container started with no command set '"


def main(argv):
    shared, root = True, False
    if family.RELAYS:
        runtime, parent = argv[1], argv[2]
        if runtime != "kata-runtime":
            os.makedirs("/.__input", exist_ok=True)
            open(family.MARKER, "w").close()
        root = runtime == "kata-runtime"
        shared = not root and parent != "kata"
    try:
        code = Direct(root).run() if shared else Relayed(root).run()
    except Exception as e:
        print("shim:", repr(e), file=sys.stderr, flush=True)
        code = 1
    os._exit(code % 256)


class Shim:
    """Runs the command of one run_student; how it speaks to the caller is left to the two below."""

    def __init__(self, root):
        self.root = root

    def run(self):
        command = self.command()
        if command["user"] == "root" and not self.root:
            return 251
        if process.system_files():
            return 254
        os.chdir(command["working_dir"])
        child = self.start(shlex.split(command["command"] or NOTHING), process.as_worker(command["user"]))
        threading.Thread(target=self.signals, args=(child,), daemon=True).start()
        code = child.wait()
        self.finish()
        os.chmod(SCRIPTS, 0)
        if command["teardown_script"]:
            os.chmod(SCRIPTS, 777)  # decimal, as it always was
            subprocess.Popen(shlex.split(command["teardown_script"]), stdin=subprocess.DEVNULL, stdout=sys.stderr,
                             env=process.environment(), preexec_fn=process.as_worker(command["user"])).wait()
        return code

    def finish(self):
        """Waits for what the command said."""


class Direct(Shim):
    """The caller is on the same kernel: it passes its files over a socket."""

    def command(self):
        self.parent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.parent.connect("/__parent.sock")
        self.parent.sendall(b"H")
        files = array.array("i")
        byte, ancillary, _, _ = self.parent.recvmsg(1, socket.CMSG_LEN(3 * files.itemsize))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                files.frombytes(data)
        if byte != b"S" or len(files) != 3:
            raise ValueError("no files from the caller")
        self.files = list(files)
        unpacker = msgpack.Unpacker(use_list=False)
        while True:
            unpacker.feed(frames.exactly(self.parent.recv, 1))
            for message in unpacker:
                if message["type"] != "run_student_command":
                    raise ValueError("no command: %s" % message["type"])
                return message

    def start(self, argv, before_exec):
        stdin, stdout, stderr = self.files
        child = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=stderr,
                                 env=process.environment(), preexec_fn=before_exec)
        for fd in self.files:
            os.close(fd)
        return child

    def signals(self, child):
        while (number := self.parent.recv(3)).isdigit():
            child.send_signal(int(number))


class Relayed(Shim):
    """The caller is on another kernel: all goes through the agent, in frames."""

    def command(self):
        size = int.from_bytes(frames.exactly(self.read, 4), "big")
        message = frames.unpack(frames.exactly(self.read, size))
        if message["type"] != "run_student_init":
            raise ValueError("no command: %s" % message["type"])
        self.socket_id = message["socket_id"]
        return message

    def read(self, size):
        return os.read(0, size)

    def start(self, argv, before_exec):
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=process.environment(), preexec_fn=before_exec)
        self.outputs = [threading.Thread(target=self.output, args=(name, getattr(child, name).fileno()))
                        for name in ("stdout", "stderr")]
        for t in self.outputs:
            t.start()
        return child

    def output(self, kind, fd):
        while data := os.read(fd, 512000):
            frames.write({"type": kind, "socket_id": self.socket_id, "message": data})

    def finish(self):
        for t in self.outputs:
            t.join()

    def signals(self, child):
        reader = frames.Reader()
        while data := os.read(0, 1 << 16):
            for message in reader.feed(data):
                if message["type"] == "student_signal":
                    child.send_signal(int(message["signal_data"]))
                elif message["message"]:
                    child.stdin.write(message["message"])
                    child.stdin.flush()
                else:
                    child.stdin.close()
