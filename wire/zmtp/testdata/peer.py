"""A libzmq socket that does what lines on stdin say, with one line of answer each."""
import hashlib
import sys

import zmq
from zmq.auth.thread import ThreadAuthenticator

context = zmq.Context()
socket = context.socket(getattr(zmq, sys.argv[1]))
socket.setsockopt(zmq.IPV6, 1)
socket.setsockopt(zmq.LINGER, 0)
routing_id = []

for line in sys.stdin:
    op, *args = line.split()
    answer = "ok"
    if op == "set":
        socket.setsockopt(getattr(zmq, args[0]), int(args[1]))
    elif op == "text":
        socket.setsockopt(getattr(zmq, args[0]), bytes.fromhex(args[1]))
    elif op == "curve":
        public, secret = zmq.curve_keypair()
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = public, secret, public
    elif op == "plain":
        auth = ThreadAuthenticator(context)
        auth.start()
        auth.configure_plain(passwords={args[0]: args[1]})
        socket.plain_server = True
    elif op == "bind":
        socket.bind(args[0])
        answer = socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    elif op == "connect":
        socket.connect(args[0])
    elif op == "send":
        socket.send_multipart(routing_id + [bytes([int(args[1])]) * int(args[0])])
    elif op == "recv":
        frames = socket.recv_multipart()
        if socket.type == zmq.ROUTER:
            routing_id = [frames.pop(0)]
        answer = "%d %d %s" % (len(frames), len(frames[0]), hashlib.sha256(frames[0]).hexdigest())
    elif op == "id":
        answer = routing_id[0].hex() or "none"
    print(answer, flush=True)
