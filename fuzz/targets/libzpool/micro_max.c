/*
 * A zap_get_micro_max_size() that stands before libzpool's own, beside hash_bits.c: the tunable that the real one
 * reads, zap_micro_max_size, has no name that could be found in a library of 2.3 or 2.4 (in master it has, and the
 * real one is asked). As there, at most 1 MiB counts, in whole sectors; the pool has the features for it
 * (large_blocks, large_microzap).
 */
#define	_GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define	SECTOR	512
#define	MOST	(1 << 20)

static uint64_t micro_max;
static uint64_t (*real)(void *);

/* The library's own function; says whether it has one. */
int
micro_max_begin(void *library)
{
	real = (uint64_t (*)(void *))dlsym(library, "zap_get_micro_max_size");
	return (real != 0);
}

/* From now on a micro ZAP may have so many bytes; 0 for as many as the library says. */
void
micro_max_set(uint64_t bytes)
{
	micro_max = bytes;
}

uint64_t
zap_get_micro_max_size(void *spa)
{
	uint64_t whole = (micro_max + SECTOR - 1) / SECTOR * SECTOR;

	if (micro_max == 0)
		return (real(spa));
	return (whole < MOST ? whole : MOST);
}
