/* @story@ */

#define	_GNU_SOURCE
#if !__has_include(<sys/abd_os.h>)
/* Debian's libzfslinux-dev leaves it out of what sys/abd.h includes; nothing here needs either. */
#define	_ABD_H
typedef struct abd abd_t;
#endif

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/zfs_context.h>
#include <sys/dmu.h>
#include <sys/nvpair.h>
#include <sys/spa.h>
#include <sys/zfs_refcount.h>
#include <sys/txg.h>
#include <sys/zap.h>
#include <sys/zap_impl.h>

/* A ZAP of the program, and how it is created. */
typedef struct {
	const char *name;
	int fat, norm, flags, shift, words;
	uint64_t salt, number;
} program_zap_t;

/* A cursor of the program. */
typedef struct {
	zap_cursor_t cursor;
	boolean_t open, moved;
} program_cursor_t;

static spa_t *spa;
static objset_t *os;
static struct dsl_pool *dp;
static char tag[] = "reproducer";
static uint64_t synced;
static int in_flight;
static const char *text;
static unsigned char value[8 * 8192];
static size_t value_size;
static boolean_t as_expected = B_TRUE;

static void
check(int error, const char *what)
{
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(error));
		exit(2);
	}
}

/* Transaction groups, by hand. While a thread holds SCL_STATE as writer, spa_sync() stops before it writes. */

typedef struct {
	sem_t asked, done;
	void (*order)(void);
} gate_t;

static gate_t gates[2];
static int gate;

static void *
gate_thread(void *arg)
{
	gate_t *me = arg;

	for (;;) {
		sem_wait(&me->asked);
		me->order();
		sem_post(&me->done);
	}
	return (NULL);
}

static void
ask(gate_t *whom, void (*order)(void))
{
	whom->order = order;
	sem_post(&whom->asked);
}

static void
ask_and_wait(gate_t *whom, void (*order)(void))
{
	ask(whom, order);
	sem_wait(&whom->done);
}

static void
shut(void)
{
	spa_config_enter(spa, SCL_STATE, tag, RW_WRITER);
}

static void
open_gate(void)
{
	spa_config_exit(spa, SCL_STATE, tag);
}

static void
shut_behind(void)
{
	spa_config_enter(spa, SCL_CONFIG, tag, RW_WRITER);
	shut();
	spa_config_exit(spa, SCL_CONFIG, tag);
}

static void
await_syncing(void)
{
	while (in_flight > 0 && spa_syncing_txg(spa) != synced + 1)
		sched_yield();
}

/* Let the oldest txg in flight sync. */
static int
do_finish(void)
{
	if (in_flight == 0)
		return (0);
	if (in_flight == 1) {
		ask_and_wait(&gates[gate], open_gate);
	} else {
		/* The sync thread cannot take SCL_CONFIG again before the other gate is shut. */
		ask(&gates[1 - gate], shut_behind);
		while (spa_config_tryenter(spa, SCL_CONFIG, tag, RW_READER)) {
			spa_config_exit(spa, SCL_CONFIG, tag);
			sched_yield();
		}
		ask_and_wait(&gates[gate], open_gate);
		sem_wait(&gates[1 - gate].done);
		gate = 1 - gate;
	}
	in_flight--;
	synced++;
	txg_wait_synced(dp, synced);
	await_syncing();
	return (0);
}

/* Open the next txg; this one stays in flight. */
static int
do_txg(void)
{
	if (in_flight == 2)
		(void) do_finish();
	if (in_flight == 0)
		ask_and_wait(&gates[gate], shut);
	txg_wait_open(dp, synced + in_flight + 2, B_TRUE);
	in_flight++;
	await_syncing();
	return (0);
}

/* Let every txg sync, the open one too. */
static int
do_sync(void)
{
	uint64_t last = synced + in_flight + 1;

	if (in_flight > 0)
		ask_and_wait(&gates[gate], open_gate);
	txg_wait_synced(dp, last);
	in_flight = 0;
	synced = last;
	return (0);
}

static int
do_evict(void)
{
	dmu_objset_evict_dbufs(os);
	return (0);
}

/* The pool: in memory, nothing moves its txgs but the program. */

static void
tune(const char *name, int number)
{
	int *variable = dlsym(RTLD_DEFAULT, name);

	if (variable != NULL)
		*variable = number;
}

static void
start(void)
{
	static char image[64], cache[64];
	nvlist_t *root = fnvlist_alloc(), *child = fnvlist_alloc();
	int fd = memfd_create("reproducer-pool", 0);

	for (int i = 0; i < 2; i++) {
		pthread_t thread;

		sem_init(&gates[i].asked, 0, 0);
		sem_init(&gates[i].done, 0, 0);
		check(pthread_create(&thread, NULL, gate_thread, &gates[i]), "pthread_create");
	}
	tune("zfs_txg_timeout", 10000000);
	tune("zfs_dirty_data_sync_percent", 90);
	tune("zfs_prefetch_disable", 1);
	if (fd < 0 || ftruncate(fd, 256 << 20) != 0)
		check(errno, "memfd_create");
	(void) snprintf(image, sizeof (image), "/proc/self/fd/%d", fd);
	(void) snprintf(cache, sizeof (cache), "/proc/self/fd/%d", memfd_create("reproducer-cache", 0));
	*(char **)dlsym(RTLD_DEFAULT, "spa_config_path") = cache;
	kernel_init(SPA_MODE_READ | SPA_MODE_WRITE);
	fnvlist_add_string(child, "type", "file");
	fnvlist_add_string(child, "path", image);
	fnvlist_add_uint64(child, "ashift", 9);
	fnvlist_add_uint64(child, "is_log", 0);
	fnvlist_add_string(root, "type", "root");
	check(nvlist_add_nvlist_array(root, "children", (void *)&child, 1), "nvlist");
	check(spa_create("tank", root, NULL, NULL, NULL), "spa_create");
	check(dmu_objset_create("tank/ds", DMU_OST_OTHER, 0, NULL, NULL, NULL), "dmu_objset_create");
	check(dmu_objset_own("tank/ds", DMU_OST_OTHER, B_FALSE, B_TRUE, tag, &os), "dmu_objset_own");
	spa = dmu_objset_spa(os);
	dp = dmu_objset_pool(os);
	txg_wait_synced(dp, 0);
	synced = spa_last_synced_txg(spa);
}

/* Operations: each that changes something is a transaction of its own. */

static dmu_tx_t *
begin(uint64_t number, int add)
{
	dmu_tx_t *tx = dmu_tx_create(os);

	dmu_tx_hold_zap(tx, number, add, NULL);
	check(dmu_tx_assign(tx, 0), "dmu_tx_assign");
	return (tx);
}

/*
 * The salt is made of addresses; names hash as in the model only with the program's. With creation flags zap_t,
 * the user data of block 0, has it too; where in it depends on how the library was built.
 */
static void
set_salt(program_zap_t *z, dmu_tx_t *tx)
{
	dmu_buf_t *db;
	uint64_t *salt, *user;

	check(dmu_buf_hold(os, z->number, 0, tag, &db, DMU_READ_NO_PREFETCH), "dmu_buf_hold");
	dmu_buf_will_dirty(db, tx);
	if (z->flags != 0)
		salt = &((zap_phys_t *)db->db_data)->zap_salt;
	else
		salt = &((mzap_phys_t *)db->db_data)->mz_salt;
	user = dmu_buf_get_user(db);
	for (int word = 0; user != NULL && word < 32; word++) {
		if (user[word] == *salt)
			user[word] = z->salt;
	}
	*salt = z->salt;
	dmu_buf_rele(db, tag);
}

static int
do_create(program_zap_t *z)
{
	dmu_tx_t *tx;

	if (z->number != 0)
		return (EEXIST);
	tx = begin(DMU_NEW_OBJECT, 1);
	if (z->fat) {
		z->number = zap_create_flags(os, z->norm, z->flags, DMU_OT_OBJECT_DIRECTORY, z->shift, 17,
		    DMU_OT_NONE, 0, tx);
	} else {
		z->number = zap_create_norm(os, z->norm, DMU_OT_OBJECT_DIRECTORY, DMU_OT_NONE, 0, tx);
	}
	set_salt(z, tx);
	dmu_tx_commit(tx);
	return (0);
}

static int
do_destroy(program_zap_t *z)
{
	dmu_tx_t *tx;
	int error;

	if (z->number == 0)
		return (ENOENT);
	tx = dmu_tx_create(os);
	dmu_tx_hold_free(tx, z->number, 0, DMU_OBJECT_END);
	check(dmu_tx_assign(tx, 0), "dmu_tx_assign");
	error = zap_destroy(os, z->number, tx);
	dmu_tx_commit(tx);
	if (error == 0)
		z->number = 0;
	return (error);
}

static boolean_t
gone(program_zap_t *z)
{
	if (z->number != 0 && !z->fat)
		fzap_default_block_shift = z->shift;
	return (z->number == 0);
}

/* Integer k of the value is fill + k. */
static int
do_write(program_zap_t *z, boolean_t update, const void *key, int size, int length, uint64_t fill)
{
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	for (int k = 0; k < length; k++) {
		uint64_t integer = fill + k;

		memcpy(value + k * size, &integer, size);
	}
	tx = begin(z->number, 1);
	if (z->words != 0 && update)
		error = zap_update_uint64(os, z->number, key, z->words, size, length, value, tx);
	else if (z->words != 0)
		error = zap_add_uint64(os, z->number, key, z->words, size, length, value, tx);
	else if (update)
		error = zap_update(os, z->number, key, size, length, value, tx);
	else
		error = zap_add(os, z->number, key, size, length, value, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_remove(program_zap_t *z, const void *key)
{
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	tx = begin(z->number, 0);
	if (z->words != 0)
		error = zap_remove_uint64(os, z->number, key, z->words, tx);
	else
		error = zap_remove(os, z->number, key, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_lookup(program_zap_t *z, const void *key, int size, int length)
{
	if (gone(z))
		return (ENOENT);
	value_size = (size_t)size * length;
	memset(value, 0, value_size);
	if (z->words != 0)
		return (zap_lookup_uint64(os, z->number, key, z->words, size, length, value));
	return (zap_lookup(os, z->number, key, size, length, value));
}

static int
do_length(program_zap_t *z, const void *key)
{
	uint64_t size, length;

	if (gone(z))
		return (ENOENT);
	if (z->words != 0)
		return (zap_length_uint64(os, z->number, key, z->words, &size, &length));
	return (zap_length(os, z->number, key, &size, &length));
}

static int
do_count(program_zap_t *z)
{
	uint64_t count;

	return (gone(z) ? ENOENT : zap_count(os, z->number, &count));
}

static int
do_contains(program_zap_t *z, const void *key)
{
	int error;

	if (gone(z))
		return (ENOENT);
	if (z->words == 0)
		return (zap_contains(os, z->number, key));
	error = zap_lookup_uint64(os, z->number, key, z->words, 0, 0, NULL);
	return (error == EINVAL || error == EOVERFLOW ? 0 : error);
}

/* Keys of words have no zap_increment(): what it does, with their calls. */
static int
do_increment(program_zap_t *z, const void *key, uint64_t delta)
{
	uint64_t number = 0;
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	tx = begin(z->number, 1);
	if (z->words == 0) {
		error = zap_increment(os, z->number, key, delta, tx);
	} else if (delta == 0) {
		error = 0;
	} else {
		error = zap_lookup_uint64(os, z->number, key, z->words, 8, 1, &number);
		if (error == 0 || error == ENOENT) {
			number += delta;
			if (number == 0)
				error = zap_remove_uint64(os, z->number, key, z->words, tx);
			else
				error = zap_update_uint64(os, z->number, key, z->words, 8, 1, &number, tx);
		}
	}
	dmu_tx_commit(tx);
	return (error);
}

/* Keys of words have no such calls. */
static int
named(program_zap_t *z)
{
	return (gone(z) ? ENOENT : z->words != 0 ? ENOTSUP : 0);
}

static int
do_search(program_zap_t *z, uint64_t integer, uint64_t mask)
{
	int error = named(z);

	if (error != 0)
		return (error);
#ifdef ZAP_MAXNAMELEN_NEW
	return (zap_value_search(os, z->number, integer, mask, (char *)value, ZAP_MAXNAMELEN_NEW));
#else
	return (zap_value_search(os, z->number, integer, mask, (char *)value));
#endif
}

static int
do_stats(program_zap_t *z)
{
	zap_stats_t stats;

	return (gone(z) ? ENOENT : zap_get_stats(os, z->number, &stats));
}

static int
do_lookup_norm(program_zap_t *z, const void *key, int size, int length, int match)
{
	char name[2048];
	boolean_t conflict;
	int error = named(z);

	if (error != 0)
		return (error);
	value_size = (size_t)size * length;
	memset(value, 0, value_size);
	return (zap_lookup_norm(os, z->number, key, size, length, value, match, name, sizeof (name),
	    &conflict));
}

static int
do_remove_norm(program_zap_t *z, const void *key, int match)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 0);
	error = zap_remove_norm(os, z->number, key, match, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_close(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	zap_cursor_fini(&c->cursor);
	c->open = B_FALSE;
	return (0);
}

static int
do_cursor(program_cursor_t *c, program_zap_t *z, uint64_t from)
{
	(void) do_close(c);
	if (gone(z))
		return (ENOENT);
	zap_cursor_init_serialized(&c->cursor, os, z->number, from);
	c->open = B_TRUE;
	c->moved = B_FALSE;
	return (0);
}

static int
do_retrieve(program_cursor_t *c)
{
	int error;

	if (!c->open)
		return (EBADF);
#ifdef ZAP_MAXNAMELEN_NEW
	zap_attribute_t *za = zap_attribute_alloc();
	error = zap_cursor_retrieve(&c->cursor, za);
	zap_attribute_free(za);
#else
	zap_attribute_t za;
	error = zap_cursor_retrieve(&c->cursor, &za);
#endif
	if (error == 0)
		c->moved = B_TRUE;
	return (error);
}

static int
do_advance(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	zap_cursor_advance(&c->cursor);
	return (0);
}

static int
do_serialize(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	(void) zap_cursor_serialize(&c->cursor);
	return (0);
}

static int
do_next(program_cursor_t *c)
{
	if (c->open && c->moved)
		zap_cursor_advance(&c->cursor);
	return (do_retrieve(c));
}

static void
step(const char *what)
{
	text = what;
	printf("%s\n", what);
	fflush(stdout);
}

/* Compare what an operation returned with what it should have. */
static void
expect(int got, int wanted)
{
	if (wanted >= 0 && got != wanted) {
		as_expected = B_FALSE;
		printf("  expected errno %d, got %d\n", wanted, got);
	}
}

/* Whether the lookup gave the wrong value that was reported. */
static void
reported(const char *wrong, size_t size, const char *what)
{
	while (value_size > 0 && value[value_size - 1] == 0)
		value_size--;
	if (value_size == size && memcmp(value, wrong, size) == 0) {
		as_expected = B_FALSE;
		printf("  %s\n", what);
	}
}

/* The program. */

/* @declarations@ */

static void
program(void)
{
	(void) do_txg, (void) do_finish, (void) do_sync, (void) do_evict, (void) do_create, (void) do_destroy;
	(void) do_write, (void) do_remove, (void) do_lookup, (void) do_length, (void) do_count, (void) do_close;
	(void) do_cursor, (void) do_retrieve, (void) do_advance, (void) do_next, (void) step, (void) expect;
	(void) reported, (void) text, (void) do_contains, (void) do_increment, (void) do_search, (void) do_stats;
	(void) do_lookup_norm, (void) do_remove_norm, (void) do_serialize;
	/* @steps@ */
}

int
main(void)
{
	start();
	program();
	printf("%s\n", as_expected ? "as it should be" : "not as it should be");
	fflush(stdout);
	/* A pool in memory needs no goodbye. */
	_exit(as_expected ? 0 : 1);
}
