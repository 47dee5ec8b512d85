/*
 * Holds the sync of a txg beside the threads of a program.
 *
 * Who syncs in libzpool are threads of its own: the sync thread, those of dp_sync_taskq, and those that issue and end
 * writes. While one of them syncs an object of the program's object set, it stands for one slot of hold.c, so that
 * the controller sees one thread. At most one does at a time: a dnode is synced when the one before is done, and a
 * dirty record when the one before is written. So what could go on at the same time comes one after the other here.
 *
 * What must be known of OpenZFS besides: that dn_struct_rwlock is the first member of dnode_t; the head of
 * zbookmark_phys_t; the level in a blkptr_t; and the order of the functions below. Where other members lie is found
 * out: dn_objset and dn_object by their values, dn_mtx and db_mtx by who takes them first, db_level by what it is in
 * many dbufs. Writes, which other threads end, are in hold_sync_writes.c.
 */
#define	_GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "hold_sync.h"

#define	DNODE_BYTES 1024
#define	DBUF_BYTES 256
#define	DBUFS (1 << 16)
#define	NEAR 64 /* places of the table that a dbuf may have */
#define	MOST_ORDER 256
#define	PATIENCE 2 /* seconds that a dnode waits for its turn before it goes on out of turn */
#define	BP_LEVEL(bp) (((const uint64_t *)(bp))[6] >> 56 & 0x1f)

pthread_mutex_t sync_mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t sync_moved = PTHREAD_COND_INITIALIZER;
struct slot *sync_slot;
static void *sync_os;
static uint64_t watched[MOST_ORDER]; /* the objects whose sync is held; those before were of another program */
static int watched_count;
uint64_t sync_objset;
static int sync_busy; /* some thread syncs a dnode */
static uint64_t order[MOST_ORDER]; /* of the objects that are to be synced; `turn` is the next one's */
static int ordered, turn;

static ptrdiff_t os_at, dn_mtx_at, db_mtx_at; /* offsets; 0: not known yet */
int since_2_2;

/* What this thread does for the sync. */
__thread int as_sync;
static __thread void *removed; /* a dnode that was taken from a list */
__thread void *syncing;
static __thread enum { NO_WALK, WALK, WALKED } walk; /* it frees ranges; their tree was destroyed */
static __thread int nested; /* in a function whose locks are no points */
__thread struct dmu_buf *leaf;

/* A mutex that is taken next lies in `base`; its offset goes to `where`. */
static __thread struct {
	char *base;
	ptrdiff_t *where;
} learning;

/* Where dbufs were seen. */
static struct dmu_buf *dbufs[DBUFS];

/* The bytes of a dbuf that were its level whenever one was seen; in the end db_level alone. */
static uint8_t no_level[DBUF_BYTES];
static int level_at, levels_left = DBUF_BYTES;

int
hold_sync_begin_library(void *library)
{
	int missing = 0;

	since_2_2 = dlsym(library, "zfs_range_tree_walk") != NULL;
#define	FIND_AS(name, symbol) do { \
	missing++; \
	hold_real.name = (__typeof__(hold_real.name))dlsym(library, symbol); \
	if (hold_real.name == NULL) \
		return (missing); \
} while (0)
#define	FIND(name) FIND_AS(name, #name)
	FIND(dmu_objset_id);
	FIND(multilist_sublist_head);
	FIND(multilist_sublist_next);
	FIND(multilist_sublist_remove);
	FIND(multilist_insert);
	FIND(dnode_sync);
	FIND(dsl_dataset_block_kill);
	FIND(dnode_diduse_space);
	FIND_AS(range_tree_walk, since_2_2 ? "zfs_range_tree_walk" : "range_tree_walk");
	FIND_AS(range_tree_first, since_2_2 ? "zfs_range_tree_first" : "range_tree_first");
	FIND_AS(range_tree_destroy, since_2_2 ? "zfs_range_tree_destroy" : "range_tree_destroy");
	FIND(dbuf_hold_impl);
	FIND(dbuf_rele_and_unlock);
	FIND(dnode_evict_dbufs);
	FIND(arc_write);
	FIND(zio_nowait);
	FIND(dmu_objset_sync_done);
	FIND(dnode_block_freed);
	FIND(dbuf_free_range);
	return (0);
}

/* Which dnode, which dbuf */

void
hold_sync_dnode(void *os, uint64_t object, void *dnode)
{
	if (os_at != 0)
		return;
	for (ptrdiff_t at = sizeof (void *); at < DNODE_BYTES / 4; at += sizeof (void *)) {
		void *found;
		uint64_t number;
		memcpy(&found, (char *)dnode + at, sizeof (found));
		memcpy(&number, (char *)dnode + at + sizeof (found), sizeof (number));
		if (found == os && number == object) {
			os_at = at;
			return;
		}
	}
}

uint64_t
ours(const void *dnode)
{
	void *os;
	uint64_t object;

	if (sync_os == NULL || os_at == 0)
		return (0);
	memcpy(&os, (const char *)dnode + os_at, sizeof (os));
	memcpy(&object, (const char *)dnode + os_at + sizeof (os), sizeof (object));
	for (int number = 0; os == sync_os && number < watched_count; number++) {
		if (watched[number] == object)
			return (object);
	}
	return (0);
}

/* The place of a dbuf in the table, or of the first free one; the last that it may have if all are taken. */
static unsigned
place(const void *db)
{
	unsigned at = ((uintptr_t)db >> 4) % DBUFS, number;

	for (number = 1; number < NEAR && dbufs[at] != NULL && dbufs[at] != db; number++)
		at = (at + 1) % DBUFS;
	return (at);
}

int
dbuf_hold_impl(void *dnode, uint8_t level, uint64_t blkid, int sparse, int uncached, const void *tag,
    struct dmu_buf **dbp)
{
	int error = hold_real.dbuf_hold_impl(dnode, level, blkid, sparse, uncached, tag, dbp);
	if (error == 0) {
		pthread_mutex_lock(&sync_mutex);
		dbufs[place(*dbp)] = *dbp;
		for (int at = 0; at < DBUF_BYTES && levels_left > 1; at++) {
			if (!no_level[at] && ((uint8_t *)*dbp)[at] != level) {
				no_level[at] = 1;
				levels_left--;
			}
		}
		while (no_level[level_at])
			level_at++;
		pthread_mutex_unlock(&sync_mutex);
	}
	return (error);
}

/* The dbuf whose db_mtx a mutex is, if it is a known one of level 0. */
static struct dmu_buf *
dbuf_of(const char *mutex)
{
	struct dmu_buf *db = (struct dmu_buf *)(mutex - db_mtx_at);
	int found;

	if (db_mtx_at == 0)
		return (NULL);
	pthread_mutex_lock(&sync_mutex);
	found = dbufs[place(db)] == db && ((uint8_t *)db)[level_at] == 0;
	pthread_mutex_unlock(&sync_mutex);
	return (found ? db : NULL);
}

/* The next mutex of this thread is one in `base`. */
static void
learn_mutex(void *base, ptrdiff_t *where)
{
	if (*where == 0) {
		learning.base = base;
		learning.where = where;
	}
}

void
hold_sync_rele(struct dmu_buf *db)
{
	learn_mutex(db, &db_mtx_at);
}

void
dnode_diduse_space(void *dnode, int64_t delta)
{
	learn_mutex(dnode, &dn_mtx_at);
	nested++;
	hold_real.dnode_diduse_space(dnode, delta);
	nested--;
}

/* Stopping for the sync */

void
sync_point(enum what what, uint64_t object, uint64_t offset, uint64_t size)
{
	struct slot *mine = sync_slot;
	if (mine != NULL)
		hold_stop(mine, STOPPED, what, object, offset, size);
}

struct slot *
hold_sync_standing(void)
{
	return (as_sync ? sync_slot : NULL);
}

/* Threads that join from now on run beside a sync of these objects of an object set; NULL: they do not. */
void
hold_sync_beside(void *os, const uint64_t *objects, int count)
{
	watched_count = count < MOST_ORDER ? count : MOST_ORDER;
	memcpy(watched, objects, watched_count * sizeof (*objects));
	sync_os = os;
	sync_objset = os == NULL ? 0 : hold_real.dmu_objset_id(os);
	hold_fine = os != NULL;
}

/*
 * What syncs from now on stands for the calling thread's slot, and the thread itself for nothing until
 * `hold_sync_end`. The objects that are given are synced in this order, if they can be. Returns the slot.
 */
void *
hold_sync_begin(const uint64_t *objects, int count)
{
	struct slot *mine = hold_me;

	pthread_mutex_lock(&sync_mutex);
	ordered = count < MOST_ORDER ? count : MOST_ORDER;
	memcpy(order, objects, ordered * sizeof (*objects));
	turn = 0;
	sync_slot = mine;
	pthread_mutex_unlock(&sync_mutex);
	hold_me = NULL;
	return (mine);
}

void
hold_sync_end(void *slot)
{
	pthread_mutex_lock(&sync_mutex);
	sync_slot = NULL;
	pthread_mutex_unlock(&sync_mutex);
	hold_me = slot;
}

/* One dnode at a time, in the order that was asked for; but none waits for ever. */
static void
take_turn(uint64_t object)
{
	struct timespec until;
	int late = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	pthread_mutex_lock(&sync_mutex);
	while (sync_busy || (turn < ordered && order[turn] != object && !late && !hold_loose)) {
		if (sync_busy)
			pthread_cond_wait(&sync_moved, &sync_mutex);
		else
			late = pthread_cond_timedwait(&sync_moved, &sync_mutex, &until) == ETIMEDOUT;
	}
	sync_busy = 1;
	if (turn < ordered && order[turn] == object)
		turn++;
	pthread_mutex_unlock(&sync_mutex);
}

static void
give_turn(void)
{
	pthread_mutex_lock(&sync_mutex);
	sync_busy = 0;
	pthread_cond_broadcast(&sync_moved);
	pthread_mutex_unlock(&sync_mutex);
}

/* Who syncs the objects of a sublist takes the one that was dirtied last. Give it the one that is to come first. */
void *
multilist_sublist_head(void *list)
{
	void *head = hold_real.multilist_sublist_head(list), *found = NULL;

	if (sync_slot == NULL || as_sync)
		return (head);
	pthread_mutex_lock(&sync_mutex);
	for (int next = turn; next < ordered && found == NULL; next++) {
		found = head;
		while (found != NULL && ours(found) != order[next])
			found = hold_real.multilist_sublist_next(list, found);
	}
	pthread_mutex_unlock(&sync_mutex);
	return (found != NULL ? found : head);
}

void
multilist_sublist_remove(void *list, void *object)
{
	uint64_t number = sync_slot != NULL && !as_sync ? ours(object) : 0;

	if (number != 0) {
		take_turn(number);
		as_sync++;
		removed = object;
		sync_point(LIST_REMOVE, number, 0, 1);
	}
	hold_real.multilist_sublist_remove(list, object);
}

void
multilist_insert(void *list, void *object)
{
	if (object == removed && removed != NULL)
		sync_point(LIST_INSERT, ours(object), 0, 1);
	hold_real.multilist_insert(list, object);
}

void
dnode_sync(void *dnode, void *tx)
{
	if (dnode != removed || removed == NULL) {
		hold_real.dnode_sync(dnode, tx);
		return;
	}
	removed = NULL;
	sync_point(DNODE_SYNC, ours(dnode), 0, 1);
	syncing = dnode;
	walk = NO_WALK;
	leaf = NULL;
	hold_real.dnode_sync(dnode, tx);
	syncing = NULL;
	as_sync--;
	give_turn();
}

void
range_tree_walk(void *tree, void *function, void *argument)
{
	if (syncing != NULL)
		walk = WALK;
	hold_real.range_tree_walk(tree, function, argument);
}

void
zfs_range_tree_walk(void *tree, void *function, void *argument)
{
	range_tree_walk(tree, function, argument);
}

void *
zfs_range_tree_first(void *tree)
{
	if (syncing != NULL)
		walk = WALK;
	return (hold_real.range_tree_first(tree));
}

void
range_tree_destroy(void *tree)
{
	if (syncing != NULL && walk == WALK)
		walk = WALKED;
	hold_real.range_tree_destroy(tree);
}

void
zfs_range_tree_destroy(void *tree)
{
	range_tree_destroy(tree);
}

int
dsl_dataset_block_kill(void *ds, const void *bp, void *tx, int async)
{
	if (syncing != NULL && walk == WALK && !async && BP_LEVEL(bp) == 0)
		sync_point(KILL, ours(syncing), 0, 1);
	nested++;
	int size = hold_real.dsl_dataset_block_kill(ds, bp, tx, async);
	nested--;
	return (size);
}

void
dbuf_rele_and_unlock(struct dmu_buf *db, const void *tag, int evicting)
{
	nested++;
	hold_real.dbuf_rele_and_unlock(db, tag, evicting);
	nested--;
}

void
dnode_evict_dbufs(void *dnode)
{
	if (syncing != NULL && dnode == syncing)
		sync_point(EVICT, ours(dnode), 0, 1);
	nested++;
	hold_real.dnode_evict_dbufs(dnode);
	nested--;
}

int
hold_sync_mutex(void *mutex)
{
	struct dmu_buf *db;

	if (learning.base != NULL) {
		ptrdiff_t at = (char *)mutex - learning.base;
		if (at > 0 && at < DNODE_BYTES)
			*learning.where = at;
		learning.base = NULL;
	}
	if (!as_sync || sync_slot == NULL)
		return (0);
	if (syncing != NULL && !nested) {
		if (walk == WALK && dn_mtx_at != 0 && mutex == (char *)syncing + dn_mtx_at) {
			sync_point(CLEARED, ours(syncing), 0, 1);
		} else if (walk == NO_WALK && (db = dbuf_of(mutex)) != NULL && db != leaf &&
		    db->object == ours(syncing)) {
			leaf = db;
			sync_point(DB_MTX, db->object, db->offset, db->size);
		}
	}
	hold_wait_mutex(sync_slot, mutex);
	return (1);
}

void
hold_sync_unmutex(void *mutex)
{
	if (syncing != NULL && walk == WALKED && dn_mtx_at != 0 && mutex == (char *)syncing + dn_mtx_at) {
		walk = NO_WALK;
		sync_point(FORGOTTEN, ours(syncing), 0, 1);
	}
}

int
hold_sync_lock(void *lock, int mode)
{
	if (!as_sync || sync_slot == NULL)
		return (0);
	if (lock == syncing && syncing != NULL) {
		if (mode != 0 && walk == NO_WALK && !nested)
			sync_point(INCREASE, ours(syncing), 0, 1);
		nested++;
	}
	hold_wait_lock(sync_slot, lock, mode);
	return (1);
}

void
hold_sync_unlock(void *lock)
{
	if (lock == syncing && syncing != NULL && as_sync && nested > 0)
		nested--;
}

/* The end of a sync */

void
dmu_objset_sync_done(void *os, void *tx)
{
	if (sync_slot != NULL && os == sync_os) {
		as_sync++;
		sync_point(SYNC_DONE, 0, 0, 1);
		as_sync--;
		pthread_mutex_lock(&sync_mutex);
		sync_slot = NULL; /* lists that are emptied afterwards are no steps */
		pthread_mutex_unlock(&sync_mutex);
	}
	hold_real.dmu_objset_sync_done(os, tx);
}

/* Open context, beside a sync */

uint64_t
dnode_block_freed(void *dnode, uint64_t blkid)
{
	uint64_t number;
	if (hold_me != NULL && hold_fine && (number = ours(dnode)) != 0)
		hold_stop(hold_me, STOPPED, BLOCK_FREED, number, blkid, 1);
	return (hold_real.dnode_block_freed(dnode, blkid));
}

void
dbuf_free_range(void *dnode, uint64_t first, uint64_t last, void *tx)
{
	uint64_t number;
	if (hold_me != NULL && hold_fine && (number = ours(dnode)) != 0)
		hold_stop(hold_me, STOPPED, FREE_RANGE, number, first, 1);
	hold_real.dbuf_free_range(dnode, first, last, tx);
}
