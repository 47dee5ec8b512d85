/*
 * A zap_hashbits() that stands before libzpool's own: for ZAPs that it was told of it says another number of bits,
 * for all others it asks the real one. Must be loaded before libzpool is, with RTLD_GLOBAL.
 *
 * zap_t begins with a structure whose size releases differ in, and then has the object set and the object's number
 * side by side: that pair is looked for.
 */
#define	_GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define	ROWS	64
#define	WORDS	24

struct row {
	uint64_t os;
	uint64_t object;
	int bits;
};

static struct row rows[ROWS];
static int count;
static int (*real)(void *);

/* The library's own function; says whether it has one. */
int
hash_bits_begin(void *library)
{
	real = (int (*)(void *))dlsym(library, "zap_hashbits");
	return (real != 0);
}

/* Forget every ZAP. */
void
hash_bits_clear(void)
{
	count = 0;
}

/* This object's hashes have so many bits; says whether there was room to remember it. */
int
hash_bits_set(void *os, uint64_t object, int bits)
{
	if (count == ROWS)
		return (0);
	rows[count].os = (uint64_t)(uintptr_t)os;
	rows[count].object = object;
	rows[count].bits = bits;
	count++;
	return (1);
}

int
zap_hashbits(void *zap)
{
	const uint64_t *word = zap;

	for (int at = count; at-- > 0; ) {
		for (int i = 0; i + 1 < WORDS; i++) {
			if (word[i] == rows[at].os && word[i + 1] == rows[at].object)
				return (rows[at].bits);
		}
	}
	return (real(zap));
}
