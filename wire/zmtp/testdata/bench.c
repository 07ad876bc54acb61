/* One side of a throughput measurement, on libzmq: bench MODE ADDRESS COUNT SIZE.
 *
 * A dealer first sends one message. "push" then waits for an answer, sends COUNT
 * messages and waits for another answer; "take" receives COUNT messages. Both
 * print the nanoseconds that this took. "pull" and "give" are the routers for
 * them; they print their address first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

static void *sock;
static zmq_msg_t id, body;

static void check(int rc, const char *what) {
	if (rc < 0) {
		perror(what);
		exit(1);
	}
}

static void receive(int router) {
	if (router)
		check(zmq_msg_recv(&id, sock, 0), "receive id");
	check(zmq_msg_recv(&body, sock, 0), "receive");
}

static void transmit(int router, size_t size) {
	if (router) {
		zmq_msg_t to;
		zmq_msg_init(&to);
		zmq_msg_copy(&to, &id);
		check(zmq_msg_send(&to, sock, ZMQ_SNDMORE), "send id");
	}
	zmq_msg_t m;
	zmq_msg_init_size(&m, size);
	memset(zmq_msg_data(&m), 'x', size);
	check(zmq_msg_send(&m, sock, 0), "send");
}

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	const char *mode = argv[1];
	long count = atol(argv[3]);
	size_t size = atol(argv[4]);
	int router = !strcmp(mode, "pull") || !strcmp(mode, "give"), one = 1;
	void *context = zmq_ctx_new();
	zmq_msg_init(&id);
	zmq_msg_init(&body);
	sock = zmq_socket(context, router ? ZMQ_ROUTER : ZMQ_DEALER);
	if (router) {
		char endpoint[256];
		size_t n = sizeof endpoint;
		check(zmq_setsockopt(sock, ZMQ_ROUTER_MANDATORY, &one, sizeof one), "mandatory");
		check(zmq_bind(sock, argv[2]), "bind");
		check(zmq_getsockopt(sock, ZMQ_LAST_ENDPOINT, endpoint, &n), "endpoint");
		puts(endpoint);
		fflush(stdout);
		receive(1);
		if (!strcmp(mode, "pull")) {
			transmit(1, 1);
			for (long i = 0; i < count; i++)
				receive(1);
			transmit(1, 1);
		} else {
			for (long i = 0; i < count; i++)
				transmit(1, size);
		}
		receive(1); /* the dealer is done */
	} else {
		check(zmq_connect(sock, argv[2]), "connect");
		long long start = now();
		transmit(0, 1);
		if (!strcmp(mode, "push")) {
			receive(0);
			start = now();
			for (long i = 0; i < count; i++)
				transmit(0, size);
			receive(0);
		} else {
			for (long i = 0; i < count; i++)
				receive(0);
		}
		printf("%lld\n", now() - start);
		transmit(0, 1);
	}
	zmq_close(sock);
	zmq_ctx_term(context);
	return 0;
}
