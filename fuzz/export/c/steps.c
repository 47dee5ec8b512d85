/* Steps, one after the other. */

/* Say what comes next. */
static void
step(const char *what)
{
	begin_step(what);
	printf("%s\n", what);
	fflush(stdout);
}

/* The program. */

/* @declarations@ */

static void
program(void)
{
	/* @steps@ */
	printf("what is there in the end\n");
	/* @ends@ */
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
