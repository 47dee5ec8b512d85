/* What hold_sync.c and hold_sync_writes.c share: which sync is held, and what the calling thread does for it. */
#ifndef HOLD_SYNC_H
#define	HOLD_SYNC_H

#include "hold.h"

OURS extern pthread_mutex_t sync_mutex;
OURS extern pthread_cond_t sync_moved;
/* What the sync's threads stand for, NULL: no sync is held. */
OURS extern struct slot *sync_slot;
/* dmu_objset_id() of the object set whose sync is held. */
OURS extern uint64_t sync_objset;
/* Range trees have a prefix, arc_write() has no physdone. */
OURS extern int since_2_2;

/* How deep the thread is in the sync of an object. */
OURS extern __thread int as_sync;
/* The dnode in dnode_sync(). */
OURS extern __thread void *syncing;
/* The dbuf at whose db_mtx the thread has stopped. */
OURS extern __thread struct dmu_buf *leaf;

/* The number of a dnode's object if it is one whose sync is held; else 0. */
OURS uint64_t ours(const void *dnode);
/* The sync stands here. */
OURS void sync_point(enum what what, uint64_t object, uint64_t offset, uint64_t size);

#endif
