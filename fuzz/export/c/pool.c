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
	static boolean_t made;

	for (int i = 0; i < 2 && !made; i++) {
		pthread_t thread;

		sem_init(&gates[i].asked, 0, 0);
		sem_init(&gates[i].done, 0, 0);
		check(pthread_create(&thread, NULL, gate_thread, &gates[i]), "pthread_create");
	}
	made = B_TRUE;
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

/* The same: beside other threads it is a thread of its own, and takes its time. */
static int
do_spa_sync(void)
{
	return (do_finish());
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
tune(const char *name, uint64_t number, size_t size)
{
	void *variable = dlsym(RTLD_DEFAULT, name);

	if (variable != NULL)
		memcpy(variable, &number, size);
}

static void
open_dataset(void)
{
	check(dmu_objset_own("tank/ds", DMU_OST_OTHER, B_FALSE, B_TRUE, tag, &os), "dmu_objset_own");
	spa = dmu_objset_spa(os);
	dp = dmu_objset_pool(os);
	spa_async_suspend(spa);
	txg_wait_synced(dp, 0);
	synced = spa_last_synced_txg(spa);
}

static void
start(void)
{
	static char image[64], cache[64];
	nvlist_t *root = fnvlist_alloc(), *child = fnvlist_alloc(), *features = fnvlist_alloc();
	/* Master takes one argument more (nvlist_t **errinfo), which older releases do not look at. */
	int (*create)(const char *, nvlist_t *, void *, void *, void *, void *) = dlsym(RTLD_DEFAULT, "spa_create");
	int fd = memfd_create("reproducer-pool", 0);
	pthread_t thread;

	check(pthread_create(&thread, NULL, watch, NULL), "pthread_create");
	tune("zfs_txg_timeout", 10000000, sizeof (int));
	tune("zfs_dirty_data_sync_percent", 90, sizeof (int));
	tune("zfs_prefetch_disable", 1, sizeof (int));
	tune("zap_iterate_prefetch", 0, sizeof (int));
	tune("spa_asize_inflation", 1, sizeof (int));
	if (fd < 0 || ftruncate(fd, 4LL << 30) != 0)
		check(errno, "memfd_create");
	(void) snprintf(image, sizeof (image), "/proc/self/fd/%d", fd);
	(void) snprintf(cache, sizeof (cache), "/proc/self/fd/%d", memfd_create("reproducer-cache", 0));
	*(char **)dlsym(RTLD_DEFAULT, "spa_config_path") = cache;
	kernel_init(SPA_MODE_READ | SPA_MODE_WRITE);
	tune("zfs_dirty_data_max", 4ULL << 30, sizeof (uint64_t));
	fnvlist_add_string(child, "type", "file");
	fnvlist_add_string(child, "path", image);
	fnvlist_add_uint64(child, "ashift", 9);
	fnvlist_add_uint64(child, "is_log", 0);
	fnvlist_add_string(root, "type", "root");
	check(nvlist_add_nvlist_array(root, "children", (void *)&child, 1), "nvlist");
	fnvlist_add_uint64(features, "feature@large_blocks", 0);
	if (dlsym(RTLD_DEFAULT, "zap_get_micro_max_size") != NULL)
		fnvlist_add_uint64(features, "feature@large_microzap", 0);
	check(create("tank", root, features, NULL, NULL, NULL), "spa_create");
	check(dmu_objset_create("tank/ds", DMU_OST_OTHER, 0, NULL, NULL, NULL), "dmu_objset_create");
	open_dataset();
}

/* Export the pool, import it again. The program's cursors are closed by then. */
static int
do_reopen(void)
{
	nvlist_t *config = NULL;
	char name[] = "tank";

	(void) do_sync();
	dmu_objset_disown(os, B_TRUE, tag);
	check(spa_export(name, &config, B_FALSE, B_FALSE), "spa_export");
	check(spa_import(name, config, NULL, 0), "spa_import");
	open_dataset();
	return (0);
}
