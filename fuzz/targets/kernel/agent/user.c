/*
 * The user's operations, in batches. Each is a letter, the number of a directory, a 16-bit length and a name; a
 * rename, an exchange, a whiteout and a link have a second directory, length and name. Each is answered when it
 * has ended, so that after a panic the other side knows which one was running.
 *
 * Of files that belong to a project the name is three numbers: the first file, how many, and the project's id, of
 * which each next file has one more. They are called by their numbers, and how many there were is the answer.
 */
#include "agent.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DIRECTORIES 256
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#ifndef RENAME_WHITEOUT
#define RENAME_WHITEOUT 4
#endif

static char answer[MOST_ANSWER];
static int directories[DIRECTORIES];

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
set_project(int file, uint32_t project)
{
	struct fsxattr attributes;

	if (ioctl(file, FS_IOC_FSGETXATTR, &attributes) != 0)
		return (errno);
	attributes.fsx_projid = project;
	return (ioctl(file, FS_IOC_FSSETXATTR, &attributes) == 0 ? 0 : errno);
}

/* Make (p), give to a project (q) or remove (f) files; what is there already, or is not, is passed over. */
static int
project_files(char letter, int directory, const char *numbers, uint32_t *length)
{
	unsigned first, many, project;
	uint64_t done = 0;
	char name[16];

	if (sscanf(numbers, "%u %u %u", &first, &many, &project) != 3)
		return (EINVAL);
	for (unsigned each = 0; each < many; each++) {
		int result, file = -1, pass = letter == 'p' ? EEXIST : ENOENT;

		snprintf(name, sizeof (name), "%u", first + each);
		if (letter == 'f')
			result = unlinkat(directory, name, 0) == 0 ? 0 : errno;
		else {
			file = openat(directory, name, O_RDWR | O_CLOEXEC | (letter == 'p' ? O_CREAT | O_EXCL : 0), 0644);
			result = file < 0 ? errno : set_project(file, project + each);
		}
		if (file >= 0)
			close(file);
		if (result != 0 && result != pass)
			return (result);
		done += result == 0;
	}
	if (done == 0)
		return (letter == 'p' ? EEXIST : ENOENT);
	memcpy(answer, &done, sizeof (done));
	*length = sizeof (done);
	return (0);
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
	case 'p':
	case 'q':
	case 'f':
		return (project_files(letter, directory, name, length));
	default:
		return (EINVAL);
	}
	return (result == 0 ? 0 : errno);
}

void
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
