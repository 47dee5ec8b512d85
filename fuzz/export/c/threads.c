/*
 * Threads. Nothing here forces the order in which they get on: each thread of the program is a real one, starts with
 * the others and waits for a random moment before each operation, and the whole program is run again and again.
 */

typedef void (*lane_t)(void);

static pthread_barrier_t start_line;
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
	begin_step(what);
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
	/* @destroyed@ */
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
