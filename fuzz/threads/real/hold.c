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
 * (include/sys/dmu.h) and the arguments of the functions in hold_locks.c, which come in between. The sync of a txg
 * beside the threads is in hold_sync.c.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "hold.h"

static pthread_mutex_t big = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t arrived;
static struct slot slots[SLOTS];
int hold_loose;
int hold_fine;
__thread struct slot *hold_me;
__thread int hold_inside;

struct real hold_real;

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
	hold_locks_begin_library(library);
	void *frames[2];
	(void) backtrace(frames, 2); /* its first call loads a library */
	return (0);
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
