/*
 * Threads. Nothing here forces the order in which they get on: each thread of the program is a real one, starts with
 * the others and waits for a random moment before each operation, and the whole program is run again and again.
 */

typedef void (*lane_t)(void);

static unsigned long turn;
static pthread_barrier_t start_line;
static _Thread_local const char *text = "";
static _Thread_local unsigned int seed;

/* Say where the thread was that died. */
static void
died(int number)
{
	char line[512];
	int size = snprintf(line, sizeof (line), "in round %lu, at: %s\n", turn, text);

	(void) !write(STDERR_FILENO, line, MIN(size, (int)sizeof (line) - 1));
	(void) number;
}

static void *
lane_thread(void *arg)
{
	lane_t *lane = arg;

	seed = turn ^ (uintptr_t)lane;
	(void) pthread_barrier_wait(&start_line);
	(*lane)();
	return (NULL);
}

/* Run the threads of one part of the program, side by side, to their ends. */
static void
together(int count, lane_t *lanes)
{
	pthread_t threads[count];

	check(pthread_barrier_init(&start_line, NULL, count), "pthread_barrier_init");
	for (int i = 0; i < count; i++)
		check(pthread_create(&threads[i], NULL, lane_thread, &lanes[i]), "pthread_create");
	for (int i = 0; i < count; i++)
		check(pthread_join(threads[i], NULL), "pthread_join");
	check(pthread_barrier_destroy(&start_line), "pthread_barrier_destroy");
}

/* What is done next, by the first thread alone. */
static void
step(const char *what)
{
	steps++;
	text = what;
}

/* The same by one of several. */
static void
lane_step(const char *what)
{
	step(what);
	for (volatile int wait = rand_r(&seed) % (1 << rand_r(&seed) % 16); wait > 0; wait--)
		continue;
}

/* Transaction groups are moved by one thread at a time. */
static int
one_at_a_time(int (*verb)(void))
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	int error;

	(void) pthread_mutex_lock(&mutex);
	error = verb();
	(void) pthread_mutex_unlock(&mutex);
	return (error);
}

/* Compare what an operation returned with what it does in one order or another of the threads' operations. */
static void
expect_one(int got, int count, const int *wanted)
{
	for (int i = 0; i < count; i++) {
		if (got == wanted[i])
			return;
	}
	as_expected = B_FALSE;
	printf("in round %lu, at: %s: errno %d, which no order of the operations explains\n", turn, text, got);
}

/* What a walk finds must be as many entries as are counted: so damage shows that no operation met. */
static void
walk(program_zap_t *z)
{
	uint64_t count = 0, found = 0, size, length;
	zap_cursor_t cursor;

	text = "the walk over all entries after the round";
	if (z->number == 0)
		return;
	check(zap_count(os, z->number, &count), "zap_count");
	zap_cursor_init(&cursor, os, z->number);
	while (found <= count && retrieve(&cursor, &size, &length) == 0) {
		found++;
		zap_cursor_advance(&cursor);
	}
	zap_cursor_fini(&cursor);
	if (found != count) {
		as_expected = B_FALSE;
		printf("after round %lu: %s has %lu entries, a walk finds %lu\n", turn, z->name, (unsigned long)count,
		    (unsigned long)found);
	}
}

/* The program. */

/* @declarations@ */

/* @lanes@ */

static void
program(void)
{
	/* @steps@ */
	/* The end of a round: the next one begins with nothing. */
	while (in_flight > 0)
		(void) do_finish();
	/* @ends@ */
}

int
main(int count, char **arguments)
{
	unsigned long rounds = count > 1 ? strtoul(arguments[1], NULL, 10) : 20000;
	struct sigaction action = { .sa_handler = died, .sa_flags = SA_RESETHAND };

	may_wait = 1;
	start();
	for (int number = SIGILL; number <= SIGSEGV; number++) {
		if (number != SIGKILL)
			check(sigaction(number, &action, NULL) == 0 ? 0 : errno, "sigaction");
	}
	while (turn < rounds && as_expected) {
		turn++;
		program();
		if (turn % 100 == 0)
			(void) do_sync();
	}
	printf("%lu rounds\n%s\n", turn, as_expected ? "as it should be" : "not as it should be");
	fflush(stdout);
	/* A pool in memory needs no goodbye. */
	_exit(as_expected ? 0 : 1);
}
