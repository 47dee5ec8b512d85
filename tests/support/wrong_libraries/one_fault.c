/* A libzpool that does all as the real one behind it does, but for zap_count(): see one_fault.py. */

#define	_GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static volatile int sink;
static long shared;

#ifdef RACE
static void *
race(void *unused)
{
	for (int i = 0; i < 1000; i++)
		shared++;
	return (unused);
}
#endif

#ifdef REMOVES
int
zap_remove_uint64(void *objset, uint64_t object, const uint64_t *key, int words, void *tx)
{
	int (*right)(void *, uint64_t, const uint64_t *, int, void *) = dlsym(RTLD_NEXT, "zap_remove_uint64");

	return (right(objset, object, key, words, tx));
}
#endif

#ifdef WRONG_BYTE_ORDER
/* Of the entries of a leaf le_cd stays as the other machine had it. */
void
zap_byteswap(void *block, size_t size)
{
	void (*right)(void *, size_t) = dlsym(RTLD_NEXT, "zap_byteswap");
	size_t hashes = size / 32, chunks = (size - 2 * hashes) / 24 - 2;
	uint8_t *chunk = (uint8_t *)block + 48 + 2 * hashes;

	right(block, size);
	if (*(uint64_t *)block != 1ULL << 63)
		return;
#ifdef DIES
	abort();
#endif
#ifdef HANGS
	for (;;)
		sink = 0;
#endif
	for (; chunks != 0; chunks--, chunk += 24) {
		uint32_t *cd = (uint32_t *)(chunk + 12);

		if (*chunk == 252)
			*cd = __builtin_bswap32(*cd);
	}
}
#endif

#ifdef AT_START
__attribute__((constructor)) static void
at_start(void)
{
	volatile int large = 0x7fffffff;

	sink = large + 1;
}
#endif

int
zap_count(void *objset, uint64_t object, uint64_t *count)
{
	int (*right)(void *, uint64_t, uint64_t *) = dlsym(RTLD_NEXT, "zap_count");
	int error = right(objset, object, count);

	if (error != 0 || *count < 3)
		return (error);
#ifdef USE_AFTER_FREE
	char *freed = malloc(40);
	free(freed);
	sink = freed[8];
#endif
#ifdef OVERFLOW
	int large = 0x7fffffff - 2;
	sink = large + (int)*count;
#endif
#ifdef RACE
	pthread_t other;
	pthread_create(&other, NULL, race, NULL);
	race(NULL);
	pthread_join(other, NULL);
#endif
#ifdef UNINITIALIZED
	char *fresh = malloc(40);
	if (fresh[8])
		sink = 1;
	free(fresh);
#endif
#ifdef UNINITIALIZED_ANSWER
	*count = *(volatile uint64_t *)malloc(40);
#endif
#ifdef WRONG
	*count += 1;
#endif
	return (error);
}
