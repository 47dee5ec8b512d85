/* What the parts of the guest's agent share. */
#ifndef AGENT_H
#define AGENT_H

#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>

#define MOST_ANSWER (8u << 20)

/* Say what failed, and reset the guest. */
_Noreturn void stop(const char *what);

/* Wait for the next request at a port; its body, to be freed, has a NUL behind it. */
char *request(int port, uint32_t *length);

/* Answer with an errno or exit status, and data. */
void reply(int port, int32_t code, const void *data, uint32_t length);

/* Answer a port's requests for ever. */
_Noreturn void serve_root(int port);
_Noreturn void serve_user(int port);

#endif
