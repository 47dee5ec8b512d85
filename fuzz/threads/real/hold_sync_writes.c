/*
 * Stops the sync of a txg where it writes: before a block is copied for its write (arc_write()), when that is ready,
 * and when it is done.
 *
 * Threads of the I/O pipeline call what dbuf.c has given arc_write(); so functions of ours are given instead, which
 * call those. The next dirty record waits until the one before is written.
 */
#define	_GNU_SOURCE
#include <stdlib.h>

#include "hold_sync.h"

/* A dirty record that is being written. */
struct written {
	struct written *next;
	void *db, *zio;
	arc_done_t ready, children_ready, done;
	int ended, level;
};
static struct written *writing;
/* What dbuf_write() has just made a zio of, on this thread. */
static __thread struct written *wrote;

static struct written *
written_of(void *db)
{
	struct written *found;
	pthread_mutex_lock(&sync_mutex);
	for (found = writing; found != NULL && found->db != db; found = found->next)
		continue;
	pthread_mutex_unlock(&sync_mutex);
	if (found == NULL)
		abort();
	return (found);
}

static void
write_ready(void *zio, void *buf, void *private)
{
	struct dmu_buf *db = private;
	struct written *it = written_of(db);

	as_sync++;
	sync_point(it->level == 0 ? READY : ABOVE_READY, db->object, db->offset, db->size);
	it->ready(zio, buf, private);
	as_sync--;
}

static void
write_children_ready(void *zio, void *buf, void *private)
{
	as_sync++;
	written_of(private)->children_ready(zio, buf, private);
	as_sync--;
}

static void
write_done(void *zio, void *buf, void *private)
{
	struct dmu_buf *db = private;
	struct written *it = written_of(db);

	as_sync++;
	if (it->level == 0)
		sync_point(DONE, db->object, db->offset, db->size);
	pthread_mutex_lock(&sync_mutex);
	for (struct written **at = &writing; *at != NULL; at = &(*at)->next) {
		if (*at == it) {
			*at = it->next;
			break;
		}
	}
	pthread_mutex_unlock(&sync_mutex);
	it->done(zio, buf, private);
	as_sync--;
	pthread_mutex_lock(&sync_mutex);
	it->ended = 1;
	pthread_cond_broadcast(&sync_moved);
	pthread_mutex_unlock(&sync_mutex);
}

/*
 * The arguments are those of 2.2 and later: uncached, l2arc, properties, ready, children_ready, done. In 2.1 they are
 * l2arc, properties, ready, children_ready, physdone, done. The bookmark has object set, object, level, block.
 */
void *
arc_write(void *pio, void *spa, uint64_t txg, void *bp, void *buf, uint64_t a6, uint64_t a7, uint64_t a8, uint64_t a9,
    uint64_t a10, uint64_t a11, void *private, uint64_t priority, uint64_t flags, const uint64_t *bookmark)
{
	struct written *made = NULL;

	if (syncing != NULL && sync_slot != NULL && bookmark[0] == sync_objset && bookmark[1] == ours(syncing)) {
		struct dmu_buf *db = private;
		made = calloc(1, sizeof (*made));
		if (made == NULL)
			abort();
		uint64_t *ready = since_2_2 ? &a9 : &a8, *children_ready = since_2_2 ? &a10 : &a9;
		*made = (struct written){ .db = db, .level = bookmark[2] };
		made->ready = (arc_done_t)*ready;
		made->done = (arc_done_t)a11;
		*ready = (uint64_t)(uintptr_t)write_ready;
		made->children_ready = (arc_done_t)*children_ready;
		if (*children_ready != 0)
			*children_ready = (uint64_t)(uintptr_t)write_children_ready;
		a11 = (uint64_t)(uintptr_t)write_done;
		if (made->level == 0) {
			sync_point(ARC_WRITE, db->object, db->offset, db->size);
			leaf = NULL;
			wrote = made;
		}
		pthread_mutex_lock(&sync_mutex);
		made->next = writing;
		writing = made;
		pthread_mutex_unlock(&sync_mutex);
	}
	void *zio = hold_real.arc_write(pio, spa, txg, bp, buf, a6, a7, a8, a9, a10, a11, private, priority, flags,
	    bookmark);
	if (made != NULL)
		made->zio = zio;
	return (zio);
}

/* What an indirect block's zio writes, if this thread syncs; all below it has been written. */
static struct written *
indirect_of(const void *zio)
{
	struct written *found;

	if (syncing == NULL)
		return (NULL);
	pthread_mutex_lock(&sync_mutex);
	for (found = writing; found != NULL && (found->level == 0 || found->zio != zio); found = found->next)
		;
	pthread_mutex_unlock(&sync_mutex);
	return (found);
}

void
zio_nowait(void *zio)
{
	struct written *mine = wrote != NULL ? wrote : indirect_of(zio);

	wrote = NULL;
	hold_real.zio_nowait(zio);
	if (mine == NULL)
		return;
	pthread_mutex_lock(&sync_mutex);
	while (!mine->ended)
		pthread_cond_wait(&sync_moved, &sync_mutex);
	pthread_mutex_unlock(&sync_mutex);
	free(mine);
}
