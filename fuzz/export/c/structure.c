/* What is there in the end. */

/* An entry that is right. */
typedef struct {
	const char *key;
	size_t key_size;
	int size;
	uint64_t length;
	const char *value;
	size_t value_size;
} entry_t;

/* What a ZAP's entries are, in a release as in answer_t; a count of -1 promises nothing, -2 says that it is gone. */
typedef struct {
	const char *release;
	int count;
	const entry_t *entries;
} content_t;

/*
 * What a walk has found; the sum is of all entries, in whatever order they came. Where keys may be shorter no cursor
 * tells how many words one has, and they are looked up only.
 */
typedef struct {
	uint64_t count, sum;
	int words, shorter;
} walk_t;

static uint64_t
sum_of(const void *key, size_t key_size, uint64_t size, uint64_t length)
{
	const unsigned char *bytes = key;
	uint64_t sum = 14695981039346656037ULL ^ size << 32 ^ length;

	for (size_t i = 0; i < key_size; i++)
		sum = (sum ^ bytes[i]) * 1099511628211ULL;
	return (sum);
}

static void
add_to_walk(const zap_attribute_t *za, void *whose)
{
	walk_t *walk = whose;
	size_t size = walk->shorter ? 0 : walk->words != 0 ? 8 * (size_t)walk->words : strlen(za->za_name);

	walk->count++;
	walk->sum += sum_of(za->za_name, size, za->za_integer_length, za->za_num_integers);
}

/* Whether the blocks of a ZAP are as they must be: the same as wrong_structure() of the Python form has it. */
static boolean_t
look_at_structure(program_zap_t *z)
{
	dmu_object_info_t info;
	unsigned char *blocks;
	zap_phys_t *header;
	uint64_t *table, entries, first, count, free_mark, end, leaves = 0, found = 0;
	unsigned char *seen;
	boolean_t sound = B_FALSE;

	check(dmu_object_info(os, z->number, &info), "dmu_object_info");
	blocks = malloc(info.doi_max_offset);
	seen = calloc(info.doi_max_offset / info.doi_data_block_size + 1, 1);
	if (blocks == NULL || seen == NULL)
		limit("no memory");
	check(dmu_read(os, z->number, 0, info.doi_max_offset, blocks, DMU_READ_NO_PREFETCH), "dmu_read");
	header = (zap_phys_t *)blocks;
	if (header->zap_block_type == ZBT_MICRO) {
		sound = B_TRUE;
		goto out;
	}
	if (header->zap_block_type != ZBT_HEADER || header->zap_magic != ZAP_MAGIC) {
		complain("%s: block 0 is no ZAP's header", z->name);
		goto out;
	}
	first = header->zap_ptrtbl.zt_blk;
	count = header->zap_ptrtbl.zt_numblks;
	free_mark = header->zap_freeblk;
	end = MIN(free_mark, info.doi_max_offset / info.doi_data_block_size);
	entries = (count != 0 ? count * info.doi_data_block_size : info.doi_data_block_size / 2) / 8;
	if (entries != 1ULL << header->zap_ptrtbl.zt_shift || first + count > end) {
		complain("%s: the pointer table is not where the header says", z->name);
		goto out;
	}
	if (header->zap_ptrtbl.zt_nextblk != 0 && header->zap_ptrtbl.zt_nextblk + 2 * count > free_mark) {
		complain("%s: blocks of the next pointer table are not below zap_freeblk (%lu)", z->name,
		    (unsigned long)free_mark);
		goto out;
	}
	table = (uint64_t *)(blocks + (count != 0 ? first * info.doi_data_block_size : info.doi_data_block_size / 2));
	for (uint64_t i = 0; i < entries; i++) {
		zap_leaf_phys_t *leaf = (zap_leaf_phys_t *)(blocks + table[i] * info.doi_data_block_size);
		int bits;

		if (table[i] >= end || leaf->l_hdr.lh_block_type != ZBT_LEAF || leaf->l_hdr.lh_magic != ZAP_LEAF_MAGIC) {
			complain("%s: table entry %lu leads to block %lu, which is no leaf", z->name, (unsigned long)i,
			    (unsigned long)table[i]);
			goto out;
		}
		bits = leaf->l_hdr.lh_prefix_len;
		if (bits > (int)header->zap_ptrtbl.zt_shift ||
		    leaf->l_hdr.lh_prefix != i >> (header->zap_ptrtbl.zt_shift - bits)) {
			complain("%s: table entry %lu leads to block %lu, a leaf of another prefix", z->name,
			    (unsigned long)i, (unsigned long)table[i]);
			goto out;
		}
		if (!seen[table[i]]) {
			leaves++;
			found += leaf->l_hdr.lh_nentries;
		}
		seen[table[i]] = 1;
	}
	sound = leaves == header->zap_num_leafs && found == header->zap_num_entries;
	if (!sound)
		complain("%s: the header counts other leaves or entries than the table leads to", z->name);
out:
	free(blocks);
	free(seen);
	return (sound);
}

static const void *
bytes_of(program_zap_t *z, const entry_t *entry)
{
	return (z->words != 0 ? (const void *)words_of(entry->key) : entry->key);
}

/* Whether a ZAP has these entries and no others; if one is not as it should be, which. */
static boolean_t
has_entries(program_zap_t *z, const walk_t *walk, const content_t *right, const entry_t **unlike)
{
	uint64_t sum = 0;

	if (right->count < 0 || walk->count != (uint64_t)right->count)
		return (B_FALSE);
	for (int i = 0; i < right->count; i++) {
		const entry_t *each = &right->entries[i];

		*unlike = each;
		sum += sum_of(bytes_of(z, each), z->shorter ? 0 : each->key_size, each->size, each->length);
		value_size = 0;
		if (do_lookup(z, each->key, each->size, each->length) != 0)
			return (B_FALSE);
		while (value_size > 0 && value[value_size - 1] == 0)
			value_size--;
		if (value_size != each->value_size || memcmp(value, each->value, value_size) != 0)
			return (B_FALSE);
		*unlike = NULL;
	}
	return (sum == walk->sum);
}

/* Look at a ZAP: its structure, what is counted, what a cursor finds, the values. */
static void
look_at(program_zap_t *z, int contents, const content_t *right)
{
	boolean_t by_name = B_FALSE, differ = B_FALSE;
	const entry_t *unlike = NULL;
	uint64_t count = 0;
	walk_t walk = { .words = z->words, .shorter = z->shorter };
	zap_cursor_t cursor;
	int error = 0;

	text = "what is there in the end";
	steps++;
	for (int i = 0; i < contents; i++) {
		differ |= right[i].release != NULL;
		by_name |= speaks(right[i].release, B_TRUE);
	}
	if (z->number != 0) {
		if (!look_at_structure(z))
			return;
		check(zap_count(os, z->number, &count), "zap_count");
		check(init(&cursor, z->number, 0), "zap_cursor_init");
		while (walk.count <= count && (error = retrieve(&cursor, add_to_walk, &walk)) == 0)
			zap_cursor_advance(&cursor);
		zap_cursor_fini(&cursor);
		if (walk.count != count || error != ENOENT)
			complain("%s: zap_count() gives %lu, and a cursor finds %lu entries (errno %d)", z->name,
			    (unsigned long)count, (unsigned long)walk.count, error);
	}
	if (differ && strcmp(release(), "?") == 0)
		return;
	for (int i = 0; i < contents; i++) {
		if (!speaks(right[i].release, by_name))
			continue;
		if (right[i].count == -1 || (z->number == 0 ? right[i].count == -2 : has_entries(z, &walk, &right[i], &unlike)))
			return;
	}
	if (unlike != NULL)
		complain("%s: the entry with the key %s is not as it should be", z->name, shown(bytes_of(z, unlike), unlike->key_size));
	else
		complain("%s: %lu entries, and they are not those that should be there", z->name, (unsigned long)walk.count);
}
