/*
 * The functions of libzpool's locks and dbufs that hold.c stops threads at, and which locks are those of a ZAP.
 *
 * A lock is known from the moment its structure is hung to a dbuf (dmu_buf_set_user()): the thread that has made it
 * is the only one that can know it before.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "hold.h"

#define BUCKETS 4096
#define NEAR 256 /* bytes from a structure's beginning, or from zap_rwlock, to a lock in it */

/* The locks of ZAPs and leaves that are alive, by address. */
struct known {
	struct known *next;
	const char *lock;
	uint64_t object, offset, size;
};
static pthread_mutex_t known_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct known *known[BUCKETS];
static const char *zap_locks[BUCKETS];
static int zap_lock_count;

/* A lock that this thread has made, and that nobody else can know yet; `opening` while it has it. */
static __thread const char *fresh, *fresh_mutex, *opening;

/*
 * Where the ZAP's code lies: its files are linked one after the other, and some of their functions are exported.
 * Static ones may come before the first of these and after the last.
 */
#define SLACK 16384
static const char *const zap_functions[] = {
	"fzap_byteswap", "fzap_upgrade", "fzap_count", "fzap_lookup", "fzap_remove", "fzap_cursor_retrieve",
	"mzap_create_impl", "zap_create", "zap_cursor_init", "zap_evict_sync", "zap_fini", "zap_get_stats",
	"zap_hashbits", "zap_init", "zap_leaf_byteswap", "zap_leaf_init", "zap_leaf_split", "zap_lockdir",
	"zap_put_leaf", "zap_unlockdir",
};
static const char *zap_begins, *zap_ends;

void
hold_locks_begin_library(void *library)
{
	for (size_t number = 0; number < sizeof (zap_functions) / sizeof (*zap_functions); number++) {
		const char *at = dlsym(library, zap_functions[number]);
		if (at == NULL)
			continue;
		if (zap_begins == NULL || at - SLACK < zap_begins)
			zap_begins = at - SLACK;
		if (at + SLACK > zap_ends)
			zap_ends = at + SLACK;
	}
}

/* Which locks are known */

static unsigned
bucket(const char *lock)
{
	return ((uintptr_t)lock >> 4) % BUCKETS;
}

static int
find(const void *lock, struct known *found)
{
	int there = 0;
	pthread_mutex_lock(&known_mutex);
	for (struct known *each = known[bucket(lock)]; each != NULL; each = each->next) {
		if (each->lock == lock) {
			*found = *each;
			there = 1;
			break;
		}
	}
	pthread_mutex_unlock(&known_mutex);
	return (there);
}

static void
forget(const char *lock)
{
	pthread_mutex_lock(&known_mutex);
	for (struct known **at = &known[bucket(lock)]; *at != NULL; at = &(*at)->next) {
		if ((*at)->lock == lock) {
			struct known *gone = *at;
			*at = gone->next;
			free(gone);
			break;
		}
	}
	for (int number = 0; number < zap_lock_count; number++) {
		if (zap_locks[number] == lock) {
			zap_locks[number] = zap_locks[--zap_lock_count];
			break;
		}
	}
	pthread_mutex_unlock(&known_mutex);
}

static void
learn(const char *lock, uint64_t object, uint64_t offset, uint64_t size, int is_zap)
{
	struct known *made = malloc(sizeof (*made));
	if (made == NULL)
		abort();
	forget(lock);
	*made = (struct known){ NULL, lock, object, offset, size };
	pthread_mutex_lock(&known_mutex);
	made->next = known[bucket(lock)];
	known[bucket(lock)] = made;
	if (is_zap && zap_lock_count < BUCKETS)
		zap_locks[zap_lock_count++] = lock;
	pthread_mutex_unlock(&known_mutex);
}

/* The ZAP's lock that lies just before a mutex, in the same structure; NULL if none does. */
static const char *
zap_lock_before(const char *mutex)
{
	const char *found = NULL;
	pthread_mutex_lock(&known_mutex);
	for (int number = 0; number < zap_lock_count; number++) {
		ptrdiff_t apart = mutex - zap_locks[number];
		if (apart > 0 && apart < NEAR) {
			found = zap_locks[number];
			break;
		}
	}
	pthread_mutex_unlock(&known_mutex);
	return (found);
}

static void
lock_point(enum what what, const struct known *lock)
{
	hold_stop(hold_me, STOPPED, what, lock->object, lock->offset, lock->size);
}

/*
 * What was opened and not let go at once, or is changed before, is a leaf that was created (zap_create_leaf in
 * 2.1): the lock was taken at a point where nobody could stop, since only this thread knew of it.
 */
static void
opened_for_good(void)
{
	if (opening != NULL) {
		opening = NULL;
		if (hold_me != NULL)
			hold_me->passed |= 1u << WRITE;
	}
}

/* Whether a call comes from the ZAP's code. */
static int
from_zap(const char *caller)
{
	return (caller >= zap_begins && caller < zap_ends);
}

/* What comes in between */

void
rw_init(void *lock, char *name, int type, void *arg)
{
	hold_real.rw_init(lock, name, type, arg);
	if (from_zap(__builtin_return_address(0))) {
		fresh = lock;
		fresh_mutex = NULL;
	}
}

void
rw_destroy(void *lock)
{
	if (lock == fresh)
		fresh = NULL;
	forget(lock);
	hold_real.rw_destroy(lock);
}

void
mutex_init(void *mutex, char *name, int type, void *cookie)
{
	const char *address = mutex, *before;
	struct known zap;

	hold_real.mutex_init(mutex, name, type, cookie);
	if (!from_zap(__builtin_return_address(0)))
		return;
	if (fresh != NULL && address > fresh && address - fresh < NEAR)
		fresh_mutex = address;
	else if ((before = zap_lock_before(address)) != NULL && find(before, &zap))
		learn(address, zap.object, zap.offset, zap.size, 0);
}

void
mutex_destroy(void *mutex)
{
	forget(mutex);
	hold_real.mutex_destroy(mutex);
}

void *
dmu_buf_set_user(struct dmu_buf *db, void *user)
{
	const char *lock = fresh, *mutex = fresh_mutex;
	void *winner;

	fresh = fresh_mutex = NULL;
	if (lock == NULL || lock < (char *)user || lock - (char *)user > NEAR)
		return (hold_real.dmu_buf_set_user(db, user));
	winner = hold_real.dmu_buf_set_user(db, user);
	if (winner == NULL) {
		learn(lock, db->object, db->offset, db->size, db->offset == 0);
		if (mutex != NULL && db->offset == 0)
			learn(mutex, db->object, db->offset, db->size, 0);
	}
	return (winner);
}

void
rw_enter(void *lock, int mode)
{
	struct known it;

	if (hold_sync_lock(lock, mode))
		return;
	if (hold_me == NULL) {
		hold_real.rw_enter(lock, mode);
		return;
	}
	if (lock == fresh) {
		opening = lock;
		hold_real.rw_enter(lock, mode);
		return;
	}
	if (!find(lock, &it)) {
		if (hold_fine)
			hold_wait_lock(hold_me, lock, mode);
		else
			hold_real.rw_enter(lock, mode);
		return;
	}
	opened_for_good();
	enum what what = mode == 0 ? READ : WRITE;
	lock_point(what, &it);
	while (!hold_real.rw_tryenter(lock, mode)) {
		if (hold_loose) {
			hold_real.rw_enter(lock, mode);
			return;
		}
		hold_stop(hold_me, WAITING, what, it.object, it.offset, it.size);
	}
}

void
rw_exit(void *lock)
{
	struct known it;
	int is_known = hold_me != NULL && lock != opening && find(lock, &it);

	hold_real.rw_exit(lock);
	hold_sync_unlock(lock);
	if (hold_me == NULL)
		return;
	if (lock == opening) {
		opening = NULL;
		return;
	}
	if (is_known) {
		opened_for_good();
		lock_point(EXIT, &it);
	}
}

void
mutex_enter(void *mutex)
{
	struct known it;

	if (hold_sync_mutex(mutex))
		return;
	if (hold_me == NULL || hold_inside || !find(mutex, &it)) {
		if (hold_me != NULL && hold_fine)
			hold_wait_mutex(hold_me, mutex);
		else
			hold_real.mutex_enter(mutex);
		return;
	}
	opened_for_good();
	lock_point(MUTEX, &it);
	while (!hold_real.mutex_tryenter(mutex)) {
		if (hold_loose) {
			hold_real.mutex_enter(mutex);
			return;
		}
		hold_stop(hold_me, WAITING, MUTEX, it.object, it.offset, it.size);
	}
}

void
mutex_exit(void *mutex)
{
	struct known it;
	int is_known = hold_me != NULL && !hold_inside && find(mutex, &it);

	hold_real.mutex_exit(mutex);
	hold_sync_unmutex(mutex);
	if (is_known)
		lock_point(UNMUTEX, &it);
}

/* Which object a dnode is, as far as it was seen: the last one for each place of a table. */
static struct {
	void *dnode;
	uint64_t object;
} dnodes[1 << 16];

static unsigned
dnode_place(void *dnode)
{
	return (((uintptr_t)dnode >> 4) % (1 << 16));
}

static void
learn_dnode(void *dnode, uint64_t object)
{
	unsigned place = dnode_place(dnode);
	pthread_mutex_lock(&known_mutex);
	dnodes[place].dnode = dnode;
	dnodes[place].object = object;
	pthread_mutex_unlock(&known_mutex);
}

int
dnode_hold(void *os, uint64_t object, const void *tag, void **dnode)
{
	int error = hold_real.dnode_hold(os, object, tag, dnode);
	if (error == 0) {
		learn_dnode(*dnode, object);
		hold_sync_dnode(os, object, *dnode);
	}
	return (error);
}

int
dmu_buf_hold_by_dnode(void *dnode, uint64_t offset, const void *tag, struct dmu_buf **dbp, int flags)
{
	unsigned place = dnode_place(dnode);
	int error;

	if (hold_me != NULL && !hold_inside) {
		pthread_mutex_lock(&known_mutex);
		uint64_t object = dnodes[place].dnode == dnode ? dnodes[place].object : 0;
		pthread_mutex_unlock(&known_mutex);
		hold_stop(hold_me, STOPPED, HOLD, object, offset, 0);
	}
	hold_inside++;
	error = hold_real.dmu_buf_hold_by_dnode(dnode, offset, tag, dbp, flags);
	hold_inside--;
	if (error == 0)
		learn_dnode(dnode, (*dbp)->object);
	return (error);
}

int
dmu_buf_hold(void *os, uint64_t object, uint64_t offset, const void *tag, struct dmu_buf **dbp, int flags)
{
	int error;

	if (hold_me != NULL && !hold_inside)
		hold_stop(hold_me, STOPPED, HOLD, object, offset, 0);
	hold_inside++;
	error = hold_real.dmu_buf_hold(os, object, offset, tag, dbp, flags);
	hold_inside--;
	return (error);
}

void
dmu_buf_rele(struct dmu_buf *db, const void *tag)
{
	if (hold_me != NULL && !hold_inside) {
		opened_for_good();
		hold_stop(hold_me, STOPPED, RELE, db->object, db->offset, db->size);
	}
	hold_inside++;
	hold_sync_rele(db);
	hold_real.dmu_buf_rele(db, tag);
	hold_inside--;
}

void
dmu_buf_will_dirty(struct dmu_buf *db, void *tx)
{
	opened_for_good();
	hold_real.dmu_buf_will_dirty(db, tx);
}
