/*
 * The guest's only process of ours: its init, and two servers behind two virtio-serial ports.
 *
 * Port 0 is root's: it runs zpool and zfs, writes and reads files of /proc and /sys. Port 1 belongs to a child
 * that has become uid 1000 for good: it makes, removes and renames files as any user may. They are two
 * processes so that root can look at what the other one hangs in.
 *
 * A request is MAGIC, a 32-bit length and a body; every number is little-endian. A guest that was put back to a
 * saved state may first read the rest of what its former life was sent, which it passes over. Root's body is one letter and what
 * goes with it, and has one answer. The user's is a batch of operations, each answered when it has ended, so
 * that after a panic the other side knows which one was running. An answer is a 32-bit errno (or exit status),
 * a 32-bit length and so many bytes.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAGIC "\237ZAPreq\001"
#define USER 1000
#define MOST_REQUEST (8u << 20)
#define MOST_ANSWER (8u << 20)
#define DIRECTORIES 256
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif

static char answer[MOST_ANSWER];
static int directories[DIRECTORIES];

static void
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

static void
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

static char *
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

/* Root's requests */

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

static void
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

/* The user's operations. Each is a letter, the number of a directory, a 16-bit length and a name; a rename, an
 * exchange, a whiteout and a link have a second directory, length and name. */

static char *
take_name(char **at, int *directory)
{
	static char names[2][4096];
	static int turn;
	char *name = names[turn ^= 1];
	uint16_t length;

	*directory = directories[(unsigned char)*(*at)++];
	memcpy(&length, *at, 2);
	*at += 2;
	memcpy(name, *at, length < 4095 ? length : 4095);
	name[length < 4095 ? length : 4095] = '\0';
	*at += length;
	return (name);
}

static int
open_directory(int *directory, const char *path)
{
	if (*directory > 0)
		close(*directory);
	*directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (*directory < 0 ? errno : 0);
}

static int
create_file(int directory, const char *name)
{
	int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (file < 0)
		return (errno);
	close(file);
	return (0);
}

static int
list_names(int directory, uint32_t *length)
{
	static char entries[32768];
	ssize_t got;

	*length = 0;
	if (lseek(directory, 0, SEEK_SET) < 0)
		return (errno);
	while ((got = syscall(SYS_getdents64, directory, entries, sizeof (entries))) > 0) {
		for (char *at = entries; at < entries + got; ) {
			struct dirent64 *entry = (struct dirent64 *)at;
			size_t size = strlen(entry->d_name) + 1;

			if (*length + size > MOST_ANSWER)
				return (EFBIG);
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
				memcpy(answer + *length, entry->d_name, size);
				*length += (uint32_t)size;
			}
			at += entry->d_reclen;
		}
	}
	return (got < 0 ? errno : 0);
}

static int
one_operation(char **at, uint32_t *length)
{
	struct stat64 found;
	char letter = *(*at)++;
	int directory, other;
	int *slot = &directories[(unsigned char)**at];
	char *name = take_name(at, &directory), *new_name;
	int result;

	*length = 0;
	switch (letter) {
	case 'o':
		return (open_directory(slot, name));
	case 'c':
		return (create_file(directory, name));
	case 'm':
		result = mkdirat(directory, name, 0755);
		break;
	case 'u':
		result = unlinkat(directory, name, 0);
		break;
	case 'd':
		result = unlinkat(directory, name, AT_REMOVEDIR);
		break;
	case 'r':
		new_name = take_name(at, &other);
		result = renameat(directory, name, other, new_name);
		break;
	case 'x':
	case 'w':
		new_name = take_name(at, &other);
		result = syscall(SYS_renameat2, directory, name, other, new_name,
		    letter == 'x' ? RENAME_EXCHANGE : RENAME_WHITEOUT);
		break;
	case 'k':
		new_name = take_name(at, &other);
		result = linkat(directory, name, other, new_name, 0);
		break;
	case 'y':
		result = symlinkat("nowhere", directory, name);
		break;
	case 's':
		result = fstatat64(directory, name, &found, AT_SYMLINK_NOFOLLOW);
		break;
	case 'l':
		return (list_names(directory, length));
	default:
		return (EINVAL);
	}
	return (result == 0 ? 0 : errno);
}

static void
serve_user(int port)
{
	for (;;) {
		uint32_t length, size;
		char *body = request(port, &length), *at = body;

		while (at < body + length) {
			int code = one_operation(&at, &size);
			reply(port, code, answer, size);
		}
		free(body);
	}
}

/* Init */

static void
load_modules(void)
{
	FILE *list = fopen("/modules", "r");
	char line[1024];

	if (list == NULL)
		stop("/modules");
	while (fgets(line, sizeof (line), list) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		char *parameters = strchr(line, ' ');
		if (parameters != NULL)
			*parameters++ = '\0';
		int file = open(line, O_RDONLY | O_CLOEXEC);
		if (file < 0 || syscall(SYS_finit_module, file, parameters ? parameters : "", 0) != 0)
			stop(line);
		close(file);
	}
	fclose(list);
}

static int
open_port(const char *pattern)
{
	glob_t found;
	int port = -1;

	for (int tries = 0; port < 0; tries++) {
		if (tries == 500)
			stop(pattern);
		if (glob(pattern, 0, NULL, &found) == 0)
			port = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
		globfree(&found);
		if (port < 0)
			usleep(10000);
	}
	return (port);
}

int
main(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/tmp", 01777);
	if (mount("proc", "/proc", "proc", 0, NULL) != 0 || mount("sys", "/sys", "sysfs", 0, NULL) != 0)
		stop("mount");
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) != 0 && errno != EBUSY)
		stop("/dev");
	signal(SIGPIPE, SIG_IGN);
	setenv("PATH", "/sbin:/bin", 1);
	load_modules();
	int root = open_port("/dev/vport*p1"), user = open_port("/dev/vport*p2");
	if (fork() == 0) {
		close(root);
		if (setgroups(0, NULL) != 0 || setgid(USER) != 0 || setuid(USER) != 0)
			stop("setuid");
		serve_user(user);
	}
	close(user);
	serve_root(root);
	return (0);
}
