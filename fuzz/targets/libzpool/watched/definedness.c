/* Asks memcheck whether bytes were ever written. Without valgrind around the process the answer is that all were. */

#include <stddef.h>
#include <stdint.h>
#include <valgrind/memcheck.h>

/* The offset of the first byte of which a bit is not defined, or -1. */
int64_t
first_undefined(const unsigned char *at, size_t count)
{
	unsigned char bits[256];

	for (size_t begin = 0; begin < count; begin += sizeof (bits)) {
		size_t part = count - begin < sizeof (bits) ? count - begin : sizeof (bits);
		if (VALGRIND_GET_VBITS(at + begin, bits, part) != 1)
			continue;
		for (size_t i = 0; i < part; i++)
			if (bits[i] != 0)
				return ((int64_t)(begin + i));
	}
	return (-1);
}
