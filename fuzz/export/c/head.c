/* @story@ */

#ifndef _GNU_SOURCE
#define	_GNU_SOURCE
#endif
#if !__has_include(<sys/abd_os.h>)
/* Debian's libzfslinux-dev leaves it out of what sys/abd.h includes; nothing here needs either. */
#define	_ABD_H
typedef struct abd abd_t;
#endif

#if __has_include(<libzpool.h>)
#include <libzpool.h>
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/zfs_context.h>
#include <sys/dmu.h>
#include <sys/dnode.h>
#include <sys/nvpair.h>
#include <sys/spa.h>
#include <sys/zfs_refcount.h>
#include <sys/txg.h>
#include <sys/u8_textprep.h>
#include <sys/zap.h>
#include <sys/zap_impl.h>
#include <sys/zap_leaf.h>

/*
 * A ZAP of the program, and how it is created; of a directory also the properties of its file system: casesensitivity=
 * (0 to 2: sensitive, insensitive, mixed), utf8only=, longname=; compression= and encryption= as numbers, by which
 * two file systems differ: this pool has one; the number of a directory that names lead to, in which one it was linked
 * last, and whether its name is gone; log2 of the size of its indirect blocks, how many bits its hashes have, how many
 * bytes it may have while it is micro (0: as always), whether keys may have fewer words than that, and which of the program's ZAPs it is.
 */
typedef struct program_zap {
	const char *name;
	int fat, norm, flags, shift, words, casing, utf8only, longname, compression, encryption;
	int indirect_shift, hash_bits, micro_max, shorter, place;
	uint64_t salt, number, last, freed, inode;
	struct program_zap *parent, *next;
	boolean_t removed;
} program_zap_t;

/* A cursor of the program. */
typedef struct {
	zap_cursor_t cursor;
	boolean_t open, moved;
	int words;
} program_cursor_t;

/* Those that names lead to. */
static program_zap_t *tree;

static spa_t *spa;
static objset_t *os;
static struct dsl_pool *dp;
static char tag[] = "reproducer";
static uint64_t synced;
static int in_flight;
static int may_wait;
static int full;
static uint64_t objects = 1024;
static _Thread_local unsigned char buffer[8 * 8192];
static _Atomic boolean_t as_expected = B_TRUE;
static _Atomic unsigned long steps;
static _Thread_local const char *text = "";
static unsigned long turn;

static void
check(int error, const char *what)
{
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(error));
		_exit(2);
	}
}

/* The end of a program that asks for more than there is. */
static void
limit(const char *what)
{
	printf("  stopped: %s\n", what);
	fflush(stdout);
	_exit(3);
}

/* An operation that never ends shows by its time or by its memory. */
static void *
watch(void *arg)
{
	unsigned long before = 0, pages = 0, now;
	int quarters = 0;

	(void) arg;
	for (;;) {
		FILE *file = fopen("/proc/self/statm", "r");

		if (file != NULL) {
			(void) !fscanf(file, "%*u %lu", &pages);
			fclose(file);
		}
		if (pages > (512UL << 20) / sysconf(_SC_PAGESIZE))
			limit("more than 512 MiB of memory");
		now = steps;
		quarters = now == before ? quarters + 1 : 0;
		before = now;
		if (quarters > 4 * 20)
			limit("no end of this operation within 20 s");
		usleep(250000);
	}
	return (NULL);
}

/* What an operation gave besides its errno: numbers as they lie in memory, keys, bytes. */

static _Thread_local unsigned char *value;
static _Thread_local size_t value_size, value_room;

static void
put(const void *bytes, size_t size)
{
	if (value_size + size > value_room) {
		value_room = 2 * (value_size + size);
		value = realloc(value, value_room);
		if (value == NULL)
			limit("no memory");
	}
	memcpy(value + value_size, bytes, size);
	value_size += size;
}

static void
put_number(uint64_t number)
{
	put(&number, sizeof (number));
}

/* Say what comes next. */
static void
begin_step(const char *what)
{
	steps++;
	text = what;
	value_size = 0;
}

/* Something is not as it should be. */
static void
complain(const char *format, ...)
{
	va_list arguments;

	as_expected = B_FALSE;
	if (turn != 0)
		printf("  in round %lu, at: %s: ", turn, text);
	else
		printf("  ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	fflush(stdout);
}

/* Bytes as hexadecimal digits, the first of them. */
static const char *
shown(const void *bytes, size_t size)
{
	static _Thread_local char digits[4][2 * 40 + 4];
	static _Thread_local unsigned int next;
	char *line = digits[next++ % 4], *at = line;

	for (size_t i = 0; i < MIN(size, 40); i++)
		at += sprintf(at, "%02x", ((const unsigned char *)bytes)[i]);
	(void) strcpy(at, size > 40 ? "..." : "");
	return (line);
}

/* Which release this is, by what the library exports; "?" is one of which the expectations say nothing (2.2). */
static const char *
release(void)
{
	if (dlsym(RTLD_DEFAULT, "brt_init") == NULL)
		return ("2.1");
	if (dlsym(RTLD_DEFAULT, "zap_shrink_enabled") == NULL)
		return ("?");
	if (dlsym(RTLD_DEFAULT, "zap_attribute_alloc") == NULL)
		return ("unfixed");
	if (dlsym(RTLD_DEFAULT, "dmu_buf_will_fill_flags") == NULL)
		return ("2.3");
	return (dlsym(RTLD_DEFAULT, "zap_cursor_init_by_dnode") == NULL ? "2.4" : "master");
}

/*
 * An answer that is right: where releases differ, in which release (NULL: in all that no answer names). An errno
 * of -1 promises nothing; without a value any is right.
 */
typedef struct {
	const char *release;
	int error;
	size_t size;
	const char *value;
} answer_t;

/* Whether an answer of those speaks of this release. */
static boolean_t
speaks(const char *whose, boolean_t by_name)
{
	return (by_name ? whose != NULL && strcmp(whose, release()) == 0 : whose == NULL);
}

/* Hold what an operation returned against the right answers, of which any will do. */
static void
expect_one(int got, int count, const answer_t *right)
{
	boolean_t by_name = B_FALSE, differ = B_FALSE;
	const answer_t *first = NULL;

	while (value_size > 0 && value[value_size - 1] == 0)
		value_size--;
	for (int i = 0; i < count; i++) {
		differ |= right[i].release != NULL;
		by_name |= speaks(right[i].release, B_TRUE);
	}
	if (differ && strcmp(release(), "?") == 0)
		return;
	for (int i = 0; i < count; i++) {
		const answer_t *each = &right[i];

		if (!speaks(each->release, by_name))
			continue;
		if (each->error == -1 || (each->error == got && (each->value == NULL || (each->size == value_size &&
		    memcmp(each->value, value, value_size) == 0))))
			return;
		if (first == NULL)
			first = each;
	}
	if (first->error != got)
		complain("expected errno %d, got %d", first->error, got);
	else
		complain("expected value %s, got %s", shown(first->value, first->size), shown(value, value_size));
}

/* The same where one answer is right, in every release. */
static void
expect(int got, int error, const char *bytes, size_t size)
{
	expect_one(got, 1, &(answer_t){ NULL, error, size, bytes });
}

/* Whether an operation gave the answer that is known to be wrong. */
static void
reported(int got, int error, const char *bytes, size_t size, const char *why)
{
	while (value_size > 0 && value[value_size - 1] == 0)
		value_size--;
	if (got == error && value_size == size && (size == 0 || memcmp(value, bytes, size) == 0))
		complain("%s", why);
}
