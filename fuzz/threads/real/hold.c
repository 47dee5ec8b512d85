/*
 * Holds the threads of a program at points of libzpool's ZAP code, one running at a time.
 *
 * Loaded before libzpool, with its symbols global: libzpool calls its own locks and dbufs through the
 * procedure linkage table, so these functions come in between. A thread that has joined stops before it takes
 * a lock of a ZAP or of a leaf, after it has let one go, and before it holds or releases a dbuf, until the
 * controller lets it go on (`hold_step`). All other threads, and all other locks, pass straight through.
 *
 * A thread never waits in a lock of a ZAP itself: it tries, and where it cannot have it, it stops here as
 * `WAITING` and tries again when it is let on. So whoever runs can be seen to run, and whoever waits to wait.
 *
 * Nothing here knows programs or schedules. What must be known of OpenZFS is the head of dmu_buf_t
 * (include/sys/dmu.h) and the arguments of the functions below. The sync of a txg beside them is in hold_sync.c.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hold.h"

#define BUCKETS 4096
#define NEAR 256 /* bytes from a structure's beginning, or from zap_rwlock, to a lock in it */

static pthread_mutex_t big = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived;
static struct slot slots[SLOTS];
int hold_loose;
int hold_fine;
__thread struct slot *hold_me;
__thread int hold_inside;

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

struct real hold_real;

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

/* Find the functions that these come in front of; once, before libzpool makes its first lock. Returns 0, or the
 * number of the one that is missing. */
int
hold_begin(void *library)
{
	pthread_condattr_t clock;
	int missing = 0;

	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&arrived, &clock);
	for (int number = 0; number < SLOTS; number++)
		pthread_cond_init(&slots[number].go, NULL);
#define	FIND(name) do { \
	missing++; \
	hold_real.name = (__typeof__(hold_real.name))dlsym(library, #name); \
	if (hold_real.name == NULL) \
		return (missing); \
} while (0)
	FIND(rw_init);
	FIND(rw_destroy);
	FIND(rw_enter);
	FIND(rw_exit);
	FIND(rw_tryenter);
	FIND(mutex_init);
	FIND(mutex_destroy);
	FIND(mutex_enter);
	FIND(mutex_exit);
	FIND(mutex_tryenter);
	FIND(dmu_buf_set_user);
	FIND(dmu_buf_hold);
	FIND(dmu_buf_hold_by_dnode);
	FIND(dmu_buf_rele);
	FIND(dmu_buf_will_dirty);
	FIND(dnode_hold);
#undef FIND
	int more = hold_sync_begin_library(library);
	if (more != 0)
		return (missing + more);
	for (size_t number = 0; number < sizeof (zap_functions) / sizeof (*zap_functions); number++) {
		const char *at = dlsym(library, zap_functions[number]);
		if (at == NULL)
			continue;
		if (zap_begins == NULL || at - SLACK < zap_begins)
			zap_begins = at - SLACK;
		if (at + SLACK > zap_ends)
			zap_ends = at + SLACK;
	}
	void *frames[2];
	(void) backtrace(frames, 2); /* its first call loads a library */
	return (0);
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

/* Stopping and going on */

void
hold_stop(struct slot *mine, enum state state, enum what what, uint64_t object, uint64_t offset, uint64_t size)
{
	pthread_mutex_lock(&big);
	if (!hold_loose) {
		mine->at = (struct point){ what, object, offset, size, mine->passed };
		mine->passed = 0;
		mine->depth = backtrace(mine->frames, FRAMES);
		mine->state = state;
		pthread_cond_signal(&arrived);
		while (mine->state != RUNNING && !hold_loose)
			pthread_cond_wait(&mine->go, &big);
		mine->depth = 0;
	}
	pthread_mutex_unlock(&big);
}

/* The calling thread is slot `number` from now on; comes back when it is first let on. */
int
hold_join(int number)
{
	if (number < 0 || number >= SLOTS)
		return (EINVAL);
	hold_me = &slots[number];
	hold_me->passed = 0;
	hold_stop(hold_me, STOPPED, START, 0, 0, 0);
	return (0);
}

/* The calling thread has ended. */
void
hold_leave(void)
{
	struct slot *mine = hold_me;
	hold_me = NULL;
	if (mine == NULL)
		return;
	pthread_mutex_lock(&big);
	mine->state = ENDED;
	mine->at = (struct point){ .passed = mine->passed };
	pthread_cond_signal(&arrived);
	pthread_mutex_unlock(&big);
}

/* A point of the caller's own: it stops there. `waiting`: it cannot go on unless others do. */
void
hold_point(uint64_t number, int waiting)
{
	if (hold_me != NULL)
		hold_stop(hold_me, waiting ? WAITING : STOPPED, OWN, number, 0, 0);
}

/*
 * Wait until a slot's thread has stopped, waits or has ended; with `on` let it go on first. Returns its state,
 * RUNNING if it has not come to anything in time.
 */
int
hold_step(int number, int on, int milliseconds, struct point *at)
{
	struct slot *slot = &slots[number];
	struct timespec until;
	int state;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (milliseconds % 1000) * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&big);
	if (on && (slot->state == STOPPED || slot->state == WAITING)) {
		slot->state = RUNNING;
		pthread_cond_signal(&slot->go);
	}
	while (slot->state == RUNNING || slot->state == ABSENT) {
		if (pthread_cond_timedwait(&arrived, &big, &until) == ETIMEDOUT)
			break;
	}
	state = slot->state;
	*at = slot->at;
	pthread_mutex_unlock(&big);
	return (state);
}

/* Before a section: nobody has joined. */
void
hold_reset(void)
{
	pthread_mutex_lock(&big);
	hold_loose = hold_fine = 0;
	for (int number = 0; number < SLOTS; number++)
		slots[number].state = ABSENT;
	pthread_mutex_unlock(&big);
}

/* Hold nobody any more. */
void
hold_loosen(void)
{
	pthread_mutex_lock(&big);
	hold_loose = 1;
	for (int number = 0; number < SLOTS; number++)
		pthread_cond_broadcast(&slots[number].go);
	pthread_mutex_unlock(&big);
}

/* The stack of a slot's thread where it stands, innermost first; how many frames. Takes no lock: a dying
 * thread asks. */
int
hold_stack(int number, void **frames, int most)
{
	struct slot *slot = &slots[number];
	int depth = slot->state == STOPPED || slot->state == WAITING ? slot->depth : 0;
	if (depth > most)
		depth = most;
	memcpy(frames, slot->frames, depth * sizeof (void *));
	return (depth);
}

/* The calling thread's slot, or that of the sync if it is a part of it, or -1. */
int
hold_who(void)
{
	struct slot *mine = hold_me != NULL ? hold_me : hold_sync_standing();
	return (mine == NULL ? -1 : (int)(mine - slots));
}

#define	MOMENT 20000000L /* nanoseconds; a lock that nobody who is held has is free again by then */

static int
later(const struct timespec *since)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((now.tv_sec - since->tv_sec) * 1000000000L + now.tv_nsec - since->tv_nsec > MOMENT);
}

void
hold_wait_mutex(struct slot *mine, void *mutex)
{
	while (!hold_loose) {
		struct timespec since;
		clock_gettime(CLOCK_MONOTONIC, &since);
		do {
			if (hold_real.mutex_tryenter(mutex))
				return;
			sched_yield();
		} while (!later(&since));
		hold_stop(mine, WAITING, MUTEX, 0, 0, 0);
	}
	hold_real.mutex_enter(mutex);
}

void
hold_wait_lock(struct slot *mine, void *lock, int mode)
{
	while (!hold_loose) {
		struct timespec since;
		clock_gettime(CLOCK_MONOTONIC, &since);
		do {
			if (hold_real.rw_tryenter(lock, mode))
				return;
			sched_yield();
		} while (!later(&since));
		hold_stop(mine, WAITING, mode == 0 ? READ : WRITE, 0, 0, 0);
	}
	hold_real.rw_enter(lock, mode);
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
