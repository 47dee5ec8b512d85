/* Entries. */

static boolean_t
gone(program_zap_t *z)
{
	if (z->number != 0 && !z->fat) {
		fzap_default_block_shift = z->shift;
		set_micro_max(z->micro_max);
	}
	return (z->number == 0);
}

/* A key of words begins with how many these are. */
static int
words_in(const void *key)
{
	return (*(const uint64_t *)key);
}

static const uint64_t *
words_of(const void *key)
{
	return ((const uint64_t *)key + 1);
}

/* Integer k of the value is fill + k. */
static void
make_value(int size, int length, uint64_t fill)
{
	/* What gcc knows of it, it takes off the address of the buffer of a thread, which then cannot be linked. */
	volatile uint64_t first = fill;

	for (int k = 0; k < length; k++) {
		uint64_t integer = first + k;

		memcpy(buffer + k * size, &integer, size);
	}
}

static int
do_write(program_zap_t *z, boolean_t update, const void *key, int size, int length, uint64_t fill)
{
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	make_value(size, length, fill);
	tx = begin(z->number, 1);
	if (z->words != 0 && update)
		error = zap_update_uint64(os, z->number, words_of(key), words_in(key), size, length, buffer, tx);
	else if (z->words != 0)
		error = zap_add_uint64(os, z->number, words_of(key), words_in(key), size, length, buffer, tx);
	else if (update)
		error = zap_update(os, z->number, key, size, length, buffer, tx);
	else
		error = zap_add(os, z->number, key, size, length, buffer, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_remove(program_zap_t *z, const void *key)
{
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	tx = begin(z->number, 0);
	if (z->words != 0)
		error = zap_remove_uint64(os, z->number, words_of(key), words_in(key), tx);
	else
		error = zap_remove(os, z->number, key, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_lookup(program_zap_t *z, const void *key, int size, int length)
{
	int error;

	if (gone(z))
		return (ENOENT);
	memset(buffer, 0, (size_t)size * length);
	if (z->words != 0)
		error = zap_lookup_uint64(os, z->number, words_of(key), words_in(key), size, length, buffer);
	else
		error = zap_lookup(os, z->number, key, size, length, buffer);
	if (error == 0 || error == EOVERFLOW)
		put(buffer, (size_t)size * length);
	return (error);
}

static int
do_length(program_zap_t *z, const void *key)
{
	uint64_t size, length;
	int error;

	if (gone(z))
		return (ENOENT);
	if (z->words != 0)
		error = zap_length_uint64(os, z->number, words_of(key), words_in(key), &size, &length);
	else
		error = zap_length(os, z->number, key, &size, &length);
	if (error == 0) {
		put_number(size);
		put_number(length);
	}
	return (error);
}

static int
do_count(program_zap_t *z)
{
	uint64_t count;
	int error = gone(z) ? ENOENT : zap_count(os, z->number, &count);

	if (error == 0)
		put_number(count);
	return (error);
}

static int
do_contains(program_zap_t *z, const void *key)
{
	int error;

	if (gone(z))
		return (ENOENT);
	if (z->words == 0)
		return (zap_contains(os, z->number, key));
	error = zap_lookup_uint64(os, z->number, words_of(key), words_in(key), 0, 0, NULL);
	return (error == EINVAL || error == EOVERFLOW ? 0 : error);
}

/* Keys of words have no zap_increment(): what it does, with their calls. */
static int
do_increment(program_zap_t *z, const void *key, uint64_t delta)
{
	uint64_t number = 0;
	dmu_tx_t *tx;
	int error;

	if (gone(z))
		return (ENOENT);
	tx = begin(z->number, 1);
	if (z->words == 0) {
		error = zap_increment(os, z->number, key, delta, tx);
	} else if (delta == 0) {
		error = 0;
	} else {
		error = zap_lookup_uint64(os, z->number, words_of(key), words_in(key), 8, 1, &number);
		if (error == 0 || error == ENOENT) {
			number += delta;
			if (number == 0)
				error = zap_remove_uint64(os, z->number, words_of(key), words_in(key), tx);
			else
				error = zap_update_uint64(os, z->number, words_of(key), words_in(key), 8, 1, &number, tx);
		}
	}
	dmu_tx_commit(tx);
	return (error);
}

/* Keys of words have no such calls. */
static int
named(program_zap_t *z)
{
	return (gone(z) ? ENOENT : z->words != 0 ? ENOTSUP : 0);
}

static int
do_search(program_zap_t *z, uint64_t integer, uint64_t mask, int room)
{
	int error = named(z);

	if (error != 0)
		return (error);
#ifdef ZAP_MAXNAMELEN_NEW
	error = zap_value_search(os, z->number, integer, mask, (char *)buffer,
	    room != 0 ? (size_t)room : sizeof (buffer));
#else
	(void) room;
	error = zap_value_search(os, z->number, integer, mask, (char *)buffer);
#endif
	if (error == 0)
		put(buffer, strlen((char *)buffer));
	return (error);
}

static int
do_stats(program_zap_t *z)
{
	zap_stats_t stats = { 0 };
	int error = gone(z) ? ENOENT : zap_get_stats(os, z->number, &stats);

	if (error == 0)
		put(&stats, sizeof (stats));
	return (error);
}

/* What dmu_offset_next() finds without zfs_dmu_offset_next_sync, which later releases keep to themselves. */
static int
do_seek(program_zap_t *z, uint64_t from, int hole)
{
	dnode_t *dn;
	int error;

	if (gone(z))
		return (ENOENT);
	error = dnode_hold(os, z->number, tag, &dn);
	if (error != 0)
		return (error);
	if (dnode_is_dirty(dn))
		error = EBUSY;
	else
		error = dnode_next_offset(dn, hole ? DNODE_FIND_HOLE : 0, &from, 1, 1, 0);
	dnode_rele(dn, tag);
	if (error == 0)
		put_number(from);
	return (error);
}

/* The value, the name as it is stored, and whether another entry matches too. */
static int
do_lookup_norm(program_zap_t *z, const void *key, int size, int length, int match, int room)
{
	char name[2048] = "";
	boolean_t conflict = B_FALSE;
	int error = named(z);

	if (error != 0)
		return (error);
	memset(buffer, 0, (size_t)size * length);
	error = zap_lookup_norm(os, z->number, key, size, length, buffer, match, name,
	    room != 0 ? room : (int)sizeof (name) - 1, &conflict);
	if (error == 0 || error == EOVERFLOW) {
		put_number(conflict);
		put(name, strlen(name) + 1);
		put(buffer, (size_t)size * length);
	}
	return (error);
}

static int
do_remove_norm(program_zap_t *z, const void *key, int match)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 0);
	error = zap_remove_norm(os, z->number, key, match, tx);
	dmu_tx_commit(tx);
	return (error);
}

