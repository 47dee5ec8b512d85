/*
 * Takes the edge counters of a library that Clang built with -fsanitize-coverage=inline-8bit-counters,pc-table, and
 * puts what is new into memory that it shares with the process that asks. counters.py has the other side.
 */

#define	_GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define	MODULES	8
#define	EDGES	(1 << 20)

struct module {
	uint8_t *begin, *end;
	const uintptr_t *pcs;
};

struct shared {
	uint64_t edges;			/* of all modules, one after the other */
	uint64_t fresh;			/* how many of `list` are new */
	uint32_t list[EDGES];		/* 8 times the edge, and how often: 0 to 7 */
	uint8_t wanted[EDGES];		/* which edges the other side wants to know of */
	uint8_t seen[EDGES];		/* a bit for each how often */
	uint64_t pcs[EDGES];		/* where each edge is, from its library's beginning */
};

static struct module modules[MODULES];
static int count;
static struct shared *shared;

void
__sanitizer_cov_8bit_counters_init(uint8_t *begin, uint8_t *end)
{
	if (begin == end || count == MODULES || (count > 0 && modules[count - 1].begin == begin))
		return;
	modules[count].begin = begin;
	modules[count++].end = end;
}

void
__sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end)
{
	if (count > 0 && begin != end)
		modules[count - 1].pcs = begin;
}

/* Share what there is with the owner of a file descriptor; the number of edges, 0 if that cannot be. */
uint64_t
counters_attach(int fd)
{
	uint64_t edges = 0;
	void *at = mmap(NULL, sizeof (struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return (0);
	shared = at;
	for (int m = 0; m < count; m++) {
		size_t size = modules[m].end - modules[m].begin;
		for (size_t i = 0; i < size && edges < EDGES; i++, edges++) {
			Dl_info info;
			uintptr_t pc = modules[m].pcs != NULL ? modules[m].pcs[2 * i] : 0;
			if (shared->edges == 0 && pc != 0 && dladdr((void *)pc, &info) != 0)
				shared->pcs[edges] = pc - (uintptr_t)info.dli_fbase;
		}
	}
	shared->edges = edges;
	return (edges);
}

/* libFuzzer's classes of how often: 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. */
static unsigned int
how_often(uint8_t n)
{
	if (n < 4)
		return (n - 1);
	if (n < 32)
		return (n < 8 ? 3 : n < 16 ? 4 : 5);
	return (n < 128 ? 6 : 7);
}

/* Forget what was counted. */
void
counters_clear(void)
{
	for (int m = 0; m < count; m++)
		memset(modules[m].begin, 0, modules[m].end - modules[m].begin);
}

/* Take the counters and set them to zero. */
void
counters_collect(void)
{
	uint64_t edge = 0;

	if (shared == NULL)
		return;
	for (int m = 0; m < count; m++) {
		for (uint8_t *at = modules[m].begin; at < modules[m].end && edge < EDGES; at++, edge++) {
			unsigned int often;

			if (*at == 0)
				continue;
			often = how_often(*at);
			*at = 0;
			if (!shared->wanted[edge] || shared->seen[edge] >> often & 1)
				continue;
			shared->seen[edge] |= 1 << often;
			if (shared->fresh < EDGES)
				shared->list[shared->fresh++] = (uint32_t)(edge << 3 | often);
		}
	}
}
