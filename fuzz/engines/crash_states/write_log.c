/*
 * A zfs_file_pwrite() and a zfs_file_fsync() that stand before libzpool's own: what is written is written, and copied
 * to a log, in the order in which the writes begin. Must be loaded before libzpool is, with RTLD_GLOBAL.
 *
 * A record is the position, the length, and the bytes. A flush is a record of length 0.
 */
#define	_GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

static int (*real_write)(void *, const void *, size_t, int64_t, uintptr_t, uintptr_t);
static int (*real_flush)(void *, int);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static int broken;

/* Take the library's own functions; says whether they are there. */
int
write_log_begin(void *library)
{
	real_write = (int (*)(void *, const void *, size_t, int64_t, uintptr_t, uintptr_t))dlsym(library, "zfs_file_pwrite");
	real_flush = (int (*)(void *, int))dlsym(library, "zfs_file_fsync");
	return (real_write != 0 && real_flush != 0);
}

/* Log to this file from here on, or with -1 to none. Says whether the log so far is whole. */
int
write_log_to(int file)
{
	int whole;

	pthread_mutex_lock(&lock);
	whole = !broken;
	broken = 0;
	log_file = file;
	pthread_mutex_unlock(&lock);
	return (whole);
}

static void
put(uint64_t position, const void *data, uint64_t length)
{
	uint64_t head[2] = { position, length };
	struct iovec parts[2] = { { head, sizeof (head) }, { (void *)data, length } };

	if (log_file >= 0 && writev(log_file, parts, 2) != (ssize_t)(sizeof (head) + length))
		broken = 1;
}

/* 2.4 has one argument more: what comes behind the position is handed on as it is. */
int
zfs_file_pwrite(void *file, const void *data, size_t length, int64_t position, uintptr_t fifth, uintptr_t sixth)
{
	pthread_mutex_lock(&lock);
	put((uint64_t)position, data, length);
	pthread_mutex_unlock(&lock);
	return (real_write(file, data, length, position, fifth, sixth));
}

int
zfs_file_fsync(void *file, int flags)
{
	int error = real_flush(file, flags);

	pthread_mutex_lock(&lock);
	put(0, "", 0);
	pthread_mutex_unlock(&lock);
	return (error);
}
