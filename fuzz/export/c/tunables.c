/*
 * Functions of libzpool's that this program has, too, and that stand before those: what they say of the program's ZAPs
 * is not as it is by default.
 */

static program_zap_t **unusual;
static int unusual_count;
static uint64_t micro_max;

/* Where zap_t has its object set and its number, side by side, depends on how the library was built. */
static boolean_t
is_of(const zap_t *zap, const program_zap_t *z)
{
	const uint64_t *word = (const uint64_t *)zap;

	for (int i = 0; i + 1 < 24; i++) {
		if (word[i] == (uintptr_t)os && word[i + 1] == z->number)
			return (B_TRUE);
	}
	return (B_FALSE);
}

int
zap_hashbits(zap_t *zap)
{
	static int (*real)(zap_t *);

	for (int i = 0; i < unusual_count; i++) {
		if (unusual[i]->hash_bits != 0 && is_of(zap, unusual[i]))
			return (unusual[i]->hash_bits);
	}
	if (real == NULL)
		real = (int (*)(zap_t *))dlsym(RTLD_NEXT, "zap_hashbits");
	return (real(zap));
}

/* zap_micro_max_size, since 2.2. In master it is in a table of tunables; in 2.3 and 2.4 it cannot be found. */
static void
set_micro_max(int bytes)
{
	struct { const char *name; int *variable; } **one = dlsym(RTLD_DEFAULT, "__start_zfs_tunables");
	void *end = dlsym(RTLD_DEFAULT, "__stop_zfs_tunables");

	for (; (void *)one != end; one++) {
		if (*one != NULL && strcmp((*one)->name, "zap_micro_max_size") == 0) {
			*(*one)->variable = bytes != 0 ? bytes : (int)SPA_OLD_MAXBLOCKSIZE;
			return;
		}
	}
	micro_max = bytes;
}

/* That tunable where it cannot be found: whole sectors, at most 1 MiB. */
uint64_t
zap_get_micro_max_size(spa_t *whose)
{
	uint64_t (*real)(spa_t *);

	if (micro_max != 0)
		return (MIN(P2ROUNDUP(micro_max, SPA_MINBLOCKSIZE), 1 << 20));
	real = (uint64_t (*)(spa_t *))dlsym(RTLD_NEXT, "zap_get_micro_max_size");
	return (real(whose));
}

/* Whether libzpool calls a function of ours, if it has one of that name. */
static boolean_t
before_its_own(const char *name, const void *ours)
{
	return (dlsym(RTLD_NEXT, name) == NULL || dlsym(RTLD_DEFAULT, name) == ours);
}

/* Before the first of them is made. */
static void
begin_unusual(int count, program_zap_t **zaps)
{
	unusual = zaps;
	unusual_count = count;
	if (!before_its_own("zap_hashbits", (void *)zap_hashbits) ||
	    !before_its_own("zap_get_micro_max_size", (void *)zap_get_micro_max_size))
		check(ENOTSUP, "standing before libzpool's functions (link with -rdynamic)");
}
