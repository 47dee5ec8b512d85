/* Steps, one after the other. */

/* Say what comes next. */
static void
step(const char *what)
{
	steps++;
	printf("%s\n", what);
	fflush(stdout);
}

/* Compare what an operation returned with what it should have. */
static void
expect(int got, int wanted)
{
	if (got != wanted) {
		as_expected = B_FALSE;
		printf("  expected errno %d, got %d\n", wanted, got);
	}
}

/* Whether the lookup gave the wrong value that was reported. */
static void
reported(const char *wrong, size_t size, const char *what)
{
	while (value_size > 0 && value[value_size - 1] == 0)
		value_size--;
	if (value_size == size && memcmp(value, wrong, size) == 0) {
		as_expected = B_FALSE;
		printf("  %s\n", what);
	}
}

/* The program. */

/* @declarations@ */

static void
program(void)
{
	/* @steps@ */
}

int
main(void)
{
	start();
	program();
	printf("%s\n", as_expected ? "as it should be" : "not as it should be");
	fflush(stdout);
	/* A pool in memory needs no goodbye. */
	_exit(as_expected ? 0 : 1);
}
