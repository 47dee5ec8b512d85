/*
 * Requests and answers through a virtio-serial port.
 *
 * A request is MAGIC, a 32-bit length and a body; every number is little-endian. A guest that was put back to a
 * saved state may first read the rest of what its former life was sent, which it passes over. An answer is a
 * 32-bit errno (or exit status), a 32-bit length and so many bytes.
 */
#include "agent.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#define MAGIC "\237ZAPreq\001"
#define MOST_REQUEST (8u << 20)

void
stop(const char *what)
{
	fprintf(stderr, "zapfuzz agent: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1);
}

static void
read_all(int port, void *into, size_t length)
{
	char *at = into;

	while (length > 0) {
		ssize_t got = read(port, at, length);
		if (got > 0) {
			at += got;
			length -= (size_t)got;
		} else if (got == 0) {
			usleep(20000); /* nobody is connected yet */
		} else if (errno != EINTR && errno != EAGAIN) {
			stop("read");
		}
	}
}

static void
write_all(int port, const void *from, size_t length)
{
	const char *at = from;

	while (length > 0) {
		ssize_t put = write(port, at, length);
		if (put > 0) {
			at += put;
			length -= (size_t)put;
		} else if (put < 0 && errno != EINTR && errno != EAGAIN) {
			stop("write");
		}
	}
}

void
reply(int port, int32_t code, const void *data, uint32_t length)
{
	static char frame[512];

	memcpy(frame, &code, 4);
	memcpy(frame + 4, &length, 4);
	if (length <= sizeof (frame) - 8) {
		memcpy(frame + 8, data, length);
		write_all(port, frame, 8 + length);
	} else {
		write_all(port, frame, 8);
		write_all(port, data, length);
	}
}

char *
request(int port, uint32_t *length)
{
	char word[8];

	read_all(port, word, 8);
	while (memcmp(word, MAGIC, 8) != 0) {
		memmove(word, word + 1, 7);
		read_all(port, word + 7, 1);
	}
	read_all(port, length, 4);
	if (*length > MOST_REQUEST) {
		errno = EMSGSIZE;
		stop("request");
	}
	char *body = malloc(*length + 1);
	if (body == NULL)
		stop("malloc");
	read_all(port, body, *length);
	body[*length] = '\0';
	return (body);
}
