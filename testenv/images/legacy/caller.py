"""run_student: a student container, asked for from a grading container (PROTOCOL.md 5.5 and 5.7)."""
import array
import os
import signal
import socket
import sys
import tempfile
import threading

import zmq

import family
import frames

FAILED = 254


class Main:
    """A REQ socket to the main process. libzmq drops replies that come before the next request."""

    def __init__(self):
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.connect("ipc:///sockets/main.sock")

    def send(self, **message):
        self.socket.send(frames.pack(message))

    def receive(self):
        return frames.unpack(self.socket.recv())


def run_student(cmd, container=None, time_limit=0, hard_time_limit=0, memory_limit=0, share_network=False, working_dir=None,
                stdin=None, stdout=None, stderr=None, start_student_as_root=False, teardown_script=""):
    """Returns the exit code of the command, or one of PROTOCOL.md 5.8. No file means /dev/null."""
    files = [os.open("/dev/null", os.O_RDWR) if f is None else f if isinstance(f, int) else f.fileno() for f in (stdin, stdout, stderr)]
    user = "root" if start_student_as_root else "worker"
    command = dict(command=cmd, teardown_script=teardown_script, working_dir=working_dir or os.getcwd(), ssh=False, user=user)
    relayed = family.RELAYS and (start_student_as_root or not os.path.exists(family.MARKER))
    try:
        handle, path = tempfile.mkstemp(prefix="p", dir="/sockets")
        os.close(handle)
        socket_id, server = os.path.basename(path), None
        if not relayed:
            server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            server.bind(path + ".sock")
            server.listen(0)
        main = Main()
        main.send(type="run_student", environment=container, time_limit=time_limit, hard_time_limit=hard_time_limit,
                  memory_limit=memory_limit, share_network=share_network, socket_id=socket_id, ssh=False,
                  run_as_root=start_student_as_root)
        started = main.receive()
        assert started["type"] == "run_student_started"
        command["student_container_id"] = started["container_id"]
        if relayed:
            retval = through_agent(main, socket_id, command, files)
            os.unlink(path)
            return retval
        retval = through_socket(main, server, command, files)
        os.unlink(path + ".sock")
        os.unlink(path)
        return retval
    except Exception as e:
        print("run_student:", repr(e), file=sys.stderr)
        return FAILED


def through_socket(main, server, command, files):
    shim, _ = server.accept()
    assert shim.recv(1) == b"H"
    rights = array.array("i", files)
    shim.sendmsg([b"S"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    shim.sendall(frames.pack({"type": "run_student_command", **command}))
    hold_signals()
    main.send(type="dummy_message")
    answer = main.receive()
    assert answer["type"] == "run_student_retval"
    return answer["retval"]


def through_agent(main, socket_id, command, files):
    main.send(type="run_student_init", socket_id=socket_id, **command)
    assert main.receive()["type"] == "dummy_message"
    hold_signals()
    threading.Thread(target=feed, args=(files[0], command["student_container_id"]), daemon=True).start()
    while True:
        main.send(type="dummy_message")
        answer = main.receive()
        if answer["type"] == "run_student_retval":
            return answer["retval"]
        os.write(files[1 if answer["type"] == "stdout" else 2], answer["message"])


def feed(stdin, container):
    """Sends what is to be read, and nothing at the end of it."""
    main, data = Main(), b"x"
    while data:
        data = os.read(stdin, 512000)
        main.send(type="stdin", message=data, student_container_id=container)
        main.receive()


def hold_signals():
    """Signals were meant to be forwarded, and never were."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda *_: None)
