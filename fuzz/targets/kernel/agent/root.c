/*
 * Root's requests: commands, and files of /proc and /sys that are written or read. A body is one letter and what
 * goes with it, and has one answer.
 */
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char answer[MOST_ANSWER];

static size_t
read_file(int file)
{
	size_t have = 0;
	ssize_t got;

	while (have < MOST_ANSWER && ((got = read(file, answer + have, MOST_ANSWER - have)) > 0 ||
	    (got < 0 && errno == EINTR)))
		have += got > 0 ? (size_t)got : 0;
	return (have);
}

static void
run_command(int port, char *words, uint32_t length)
{
	char *arguments[64];
	int count = 0, ends[2], status = 0;

	for (char *word = words; word < words + length && count < 63; word += strlen(word) + 1)
		arguments[count++] = word;
	arguments[count] = NULL;
	if (count == 0 || pipe2(ends, O_CLOEXEC) != 0) {
		reply(port, 127, "", 0);
		return;
	}
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		execv(arguments[0], arguments);
		dprintf(2, "%s: %s\n", arguments[0], strerror(errno));
		_exit(127);
	}
	close(ends[1]);
	size_t have = read_file(ends[0]);
	close(ends[0]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	reply(port, code, answer, (uint32_t)have);
}

static void
write_file(int port, char *path, uint32_t length)
{
	char *data = path + strlen(path) + 1;
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755), wrong = errno;
	size_t size = (size_t)(path + length - data);

	if (file < 0) {
		reply(port, wrong, "", 0);
		return;
	}
	wrong = write(file, data, size) == (ssize_t)size ? 0 : errno;
	close(file);
	reply(port, wrong, "", 0);
}

static void
show_file(int port, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0) {
		reply(port, errno, "", 0);
		return;
	}
	size_t have = read_file(file);
	close(file);
	reply(port, 0, answer, (uint32_t)have);
}

void
serve_root(int port)
{
	for (;;) {
		uint32_t length;
		char *body = request(port, &length);

		switch (length > 0 ? body[0] : 0) {
		case 'x':
			run_command(port, body + 1, length - 1);
			break;
		case 'w':
			write_file(port, body + 1, length - 1);
			break;
		case 'r':
			show_file(port, body + 1);
			break;
		default:
			reply(port, EINVAL, "", 0);
		}
		free(body);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
