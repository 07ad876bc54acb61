"""INGInious, the main process of a grading container (PROTOCOL.md 5.4, TOOLKIT.md 8.5 and 9)."""
import os
import sys
import threading

import zmq

import family
import frames
import job

FORWARDED = ("run_student_init", "stdin", "student_signal")  # to the agent, where kernels differ
REQUEST = ("environment", "time_limit", "hard_time_limit", "memory_limit", "share_network", "socket_id", "ssh", "run_as_root")


class MainProcess:
    def __init__(self, debug):
        self.debug = debug
        self.callers = {}  # the routing id of whoever asked for a student container, by socket
        self.reader = frames.Reader()
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.bind("ipc:///sockets/main.sock")
        self.over, self._end = os.pipe()

    def run(self):
        poller = zmq.Poller()
        for source in (self.router, 0, self.over):
            poller.register(source, zmq.POLLIN)
        while True:
            for source, _ in poller.poll():
                if source is self.router:
                    self.asked(*self.router.recv_multipart())
                elif source == self.over:
                    return
                elif data := os.read(0, 1 << 16):
                    for message in self.reader.feed(data):
                        self.told(message)
                else:
                    poller.unregister(0)  # the agent has said all

    def told(self, message):
        """Takes a frame of the agent."""
        kind = message["type"]
        if kind == "start":
            threading.Thread(target=self.grade, args=(message,), daemon=True).start()
        elif kind == "run_student_started" and message["socket_id"] in self.callers:
            self.reply(self.callers[message["socket_id"]], type=kind, container_id=message["container_id"])
        elif kind == "run_student_retval" and message["socket_id"] in self.callers:
            self.reply(self.callers.pop(message["socket_id"]), type=kind, retval=message["retval"])
        elif kind in ("stdout", "stderr") and message["socket_id"] in self.callers:
            self.reply(self.callers[message["socket_id"]], **message)

    def asked(self, caller, _, payload):
        """Takes a request of a program in this container."""
        message = frames.unpack(payload)
        kind = message["type"]
        if kind == "run_student":
            self.callers[message["socket_id"]] = caller
            frames.write({"type": kind, **{key: message[key] for key in REQUEST}})
        elif kind in ("ssh_debug", "ssh_student"):
            frames.write(message)
            self.reply(caller, type="ok")
        elif kind in FORWARDED and family.RELAYS:
            frames.write(message)
            self.reply(caller, type="dummy_message")
        elif kind == "done":
            self.reply(caller, type="ok")
            os.write(self._end, b"x")

    def reply(self, caller, **message):
        self.router.send_multipart([caller, b"", frames.pack(message)])

    def grade(self, start):
        try:
            result = job.grade(start, self.debug)
            payload = {"type": "result", "result": result}
            frames.pack(payload)
        except Exception as e:  # whatever it is, the agent has to hear of it
            text = "Exception occured in container (%s)" % e
            payload = {"type": "result", "result": {"result": "crash", "text": text, "problems": {}}}
        frames.write(payload)
        os.write(self._end, b"x")


def main(argv):
    try:
        MainProcess("--debug" in argv[1:2]).run()
    except Exception as e:
        print("INGInious:", repr(e), file=sys.stderr, flush=True)
    os._exit(1)  # as it always was, also after a good end
