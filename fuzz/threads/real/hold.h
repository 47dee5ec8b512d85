/*
 * What hold.c, hold_locks.c and hold_sync.c share: kinds of points, who stands where, and the functions of libzpool
 * that theirs come before.
 */
#ifndef HOLD_H
#define	HOLD_H

#include <stdint.h>
#include <pthread.h>

#define	OURS __attribute__((visibility("hidden")))
#define	SLOTS 64
#define	FRAMES 48

enum what {
	START, READ, WRITE, EXIT, MUTEX, UNMUTEX, HOLD, RELE, OWN,
	/* of the sync */
	LIST_REMOVE, LIST_INSERT, DNODE_SYNC, KILL, CLEARED, FORGOTTEN, DB_MTX, ARC_WRITE, READY, DONE, INCREASE,
	EVICT, SYNC_DONE,
	/* of open context, beside a sync */
	FREE_RANGE, BLOCK_FREED,
	/* of the sync, too: of an indirect block */
	ABOVE_READY,
};
enum state { ABSENT, RUNNING, STOPPED, WAITING, ENDED };

/* dmu_buf_t */
struct dmu_buf {
	uint64_t object;
	uint64_t offset;
	uint64_t size;
	void *data;
};

/* `offset` is in bytes; `passed` has a bit for each kind of point that went by where nobody could stop. */
struct point {
	uint64_t what;
	uint64_t object;
	uint64_t offset;
	uint64_t size;
	uint64_t passed;
};

struct slot {
	enum state state;
	pthread_cond_t go;
	struct point at;
	uint64_t passed;
	int depth;
	void *frames[FRAMES];
};

typedef void (*arc_done_t)(void *zio, void *buf, void *db);

OURS extern struct real {
	void (*rw_init)(void *, char *, int, void *);
	void (*rw_destroy)(void *);
	void (*rw_enter)(void *, int);
	void (*rw_exit)(void *);
	int (*rw_tryenter)(void *, int);
	void (*mutex_init)(void *, char *, int, void *);
	void (*mutex_destroy)(void *);
	void (*mutex_enter)(void *);
	void (*mutex_exit)(void *);
	int (*mutex_tryenter)(void *);
	void *(*dmu_buf_set_user)(struct dmu_buf *, void *);
	int (*dmu_buf_hold)(void *, uint64_t, uint64_t, const void *, struct dmu_buf **, int);
	int (*dmu_buf_hold_by_dnode)(void *, uint64_t, const void *, struct dmu_buf **, int);
	void (*dmu_buf_rele)(struct dmu_buf *, const void *);
	void (*dmu_buf_will_dirty)(struct dmu_buf *, void *);
	int (*dnode_hold)(void *, uint64_t, const void *, void **);
	/* those of hold_sync.c and hold_sync_writes.c */
	uint64_t (*dmu_objset_id)(void *);
	void *(*multilist_sublist_head)(void *);
	void *(*multilist_sublist_next)(void *, void *);
	void (*multilist_sublist_remove)(void *, void *);
	void (*multilist_insert)(void *, void *);
	void (*dnode_sync)(void *, void *);
	int (*dsl_dataset_block_kill)(void *, const void *, void *, int);
	void (*dnode_diduse_space)(void *, int64_t);
	void (*range_tree_walk)(void *, void *, void *);
	void *(*range_tree_first)(void *);
	void (*range_tree_destroy)(void *);
	int (*dbuf_hold_impl)(void *, uint8_t, uint64_t, int, int, const void *, struct dmu_buf **);
	void (*dbuf_rele_and_unlock)(struct dmu_buf *, const void *, int);
	void (*dnode_evict_dbufs)(void *);
	void *(*arc_write)(void *, void *, uint64_t, void *, void *, uint64_t, uint64_t, uint64_t, uint64_t,
	    uint64_t, uint64_t, void *, uint64_t, uint64_t, const uint64_t *);
	void (*zio_nowait)(void *);
	void (*dmu_objset_sync_done)(void *, void *);
	uint64_t (*dnode_block_freed)(void *, uint64_t);
	void (*dbuf_free_range)(void *, uint64_t, uint64_t, void *);
} hold_real;

/* The calling thread's slot, NULL if it has not joined; `hold_inside`: it is in a function of ours. */
OURS extern __thread struct slot *hold_me;
OURS extern __thread int hold_inside;
/* Nobody is held any more. */
OURS extern int hold_loose;
/* A sync may run beside the threads of this section. */
OURS extern int hold_fine;

/* Stop for a slot until the controller lets it go on. */
OURS void hold_stop(struct slot *, enum state, enum what, uint64_t object, uint64_t offset, uint64_t size);
/* Take a lock of the DMU; a slot that waits for it longer than a moment stops as WAITING, and tries again. */
OURS void hold_wait_mutex(struct slot *, void *mutex);
OURS void hold_wait_lock(struct slot *, void *lock, int mode);

/* Find where the ZAP's code lies. */
OURS void hold_locks_begin_library(void *library);

/* What hold_sync.c does at a lock: whether it was all there was to do; and what after one was let go. */
OURS int hold_sync_mutex(void *mutex);
OURS int hold_sync_lock(void *lock, int mode);
OURS void hold_sync_unmutex(void *mutex);
OURS void hold_sync_unlock(void *lock);
/* A dnode of an object set was seen; a dbuf is let go. */
OURS void hold_sync_dnode(void *os, uint64_t object, void *dnode);
OURS void hold_sync_rele(struct dmu_buf *db);
/* Find the functions; 0, or the number of the one that is missing. */
OURS int hold_sync_begin_library(void *library);
OURS struct slot *hold_sync_standing(void);

#endif
