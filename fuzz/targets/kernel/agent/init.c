/*
 * The guest's only process of ours: its init, and two servers behind two virtio-serial ports.
 *
 * Port 1 is root's: it runs zpool and zfs, writes and reads files of /proc and /sys. Port 2 belongs to a child
 * that has become uid 1000 for good: it makes, removes and renames files as any user may. They are two
 * processes so that root can look at what the other one hangs in.
 */
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define USER 1000

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
