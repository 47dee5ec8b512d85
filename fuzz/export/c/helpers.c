/* Calls that OpenZFS composes of others, and such as read ahead. */

static int
do_prefetch(program_zap_t *z, const void *key, int blind)
{
	uint64_t kind = 0;

	if (gone(z))
		return (ENOENT);
	if (!blind && !z->fat && dmu_read(os, z->number, 0, sizeof (kind), &kind, DMU_READ_PREFETCH) == 0 &&
	    kind == ZBT_MICRO)
		return (ENOTSUP);
	if (z->words != 0)
		return (zap_prefetch_uint64(os, z->number, words_of(key), words_in(key)));
	return (zap_prefetch(os, z->number, key));
}

/* Not before 2.3; zap_join() and its kin, and zap_increment_int(), not after 2.4. */
static int
do_prefetch_object(program_zap_t *z)
{
	int (*call)(objset_t *, uint64_t) = (int (*)(objset_t *, uint64_t))dlsym(RTLD_DEFAULT, "zap_prefetch_object");

	return (gone(z) ? ENOENT : call == NULL ? ENOTSUP : call(os, z->number));
}

static int
joined(program_zap_t *z, program_zap_t *into)
{
	int error = named(z);

	return (error != 0 ? error : named(into));
}

/* zap_join() or zap_join_increment(), which not every release has. */
static int
join_by(program_zap_t *z, program_zap_t *into, const char *name)
{
	int (*call)(objset_t *, uint64_t, uint64_t, dmu_tx_t *) =
	    (int (*)(objset_t *, uint64_t, uint64_t, dmu_tx_t *))dlsym(RTLD_DEFAULT, name);
	dmu_tx_t *tx;
	int error = joined(z, into);

	if (error == 0 && call == NULL)
		error = ENOTSUP;
	if (error != 0)
		return (error);
	tx = begin(into->number, 1);
	error = call(os, z->number, into->number, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_join(program_zap_t *z, program_zap_t *into)
{
	return (join_by(z, into, "zap_join"));
}

static int
do_join_key(program_zap_t *z, program_zap_t *into, uint64_t value)
{
	int (*call)(objset_t *, uint64_t, uint64_t, uint64_t, dmu_tx_t *) =
	    (int (*)(objset_t *, uint64_t, uint64_t, uint64_t, dmu_tx_t *))dlsym(RTLD_DEFAULT, "zap_join_key");
	dmu_tx_t *tx;
	int error = joined(z, into);

	if (error == 0 && call == NULL)
		error = ENOTSUP;
	if (error != 0)
		return (error);
	tx = begin(into->number, 1);
	error = call(os, z->number, into->number, value, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_join_increment(program_zap_t *z, program_zap_t *into)
{
	return (join_by(z, into, "zap_join_increment"));
}

/* zap_create_claim() and zap_create_link() take no flags, and no sizes. */
static int
do_claim(program_zap_t *z)
{
	uint64_t number = z->number != 0 ? z->number : z->last;
	dmu_tx_t *tx;
	int error;

	if (z->fat || z->indirect_shift != 0 || full != 0)
		return (ENOTSUP);
	/* until the next txg has synced the old dnode may count as dirty, unless its block was evicted */
	if (z->number == 0 && synced <= z->freed)
		return (ENOSPC);
	tx = begin(DMU_NEW_OBJECT, 1);
	error = zap_create_claim_norm(os, number, z->norm, DMU_OT_DIRECTORY_CONTENTS, DMU_OT_NONE, 0, tx);
	if (error == 0) {
		z->number = number;
		z->removed = B_FALSE;
		set_salt(z, tx);
	}
	dmu_tx_commit(tx);
	return (error);
}

/* What zap_create_link() does, but for the new object's number, for which stands the ZAP's place in the program. */
static int
do_create_link(program_zap_t *z, program_zap_t *parent, uint64_t id)
{
	char name[17];
	uint64_t place = z->place;
	dmu_tx_t *tx;
	int error;

	if (z->fat || z->indirect_shift != 0)
		return (ENOTSUP);
	error = named(parent);
	if (error != 0)
		return (error);
	if (z->number != 0)
		return (EEXIST);
	(void) snprintf(name, sizeof (name), "%lx", (unsigned long)id);
	error = zap_contains(os, parent->number, name);
	if (error != ENOENT)
		return (error == 0 ? EEXIST : error);
	error = do_create(z);
	if (error != 0)
		return (error);
	(void) gone(parent);
	tx = begin(parent->number, 1);
	error = zap_add(os, parent->number, name, sizeof (place), 1, &place, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_add_int(program_zap_t *z, uint64_t id)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 1);
	error = zap_add_int(os, z->number, id, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_remove_int(program_zap_t *z, uint64_t id)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 0);
	error = zap_remove_int(os, z->number, id, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_lookup_int(program_zap_t *z, uint64_t id)
{
	int error = named(z);

	return (error != 0 ? error : zap_lookup_int(os, z->number, id));
}

static int
do_add_int_key(program_zap_t *z, uint64_t id, uint64_t value)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 1);
	error = zap_add_int_key(os, z->number, id, value, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_update_int_key(program_zap_t *z, uint64_t id, uint64_t value)
{
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	tx = begin(z->number, 1);
	error = zap_update_int_key(os, z->number, id, value, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_lookup_int_key(program_zap_t *z, uint64_t id)
{
	uint64_t value = 0;
	int error = named(z);

	if (error == 0 && (error = zap_lookup_int_key(os, z->number, id, &value)) == 0)
		put_number(value);
	return (error);
}

static int
do_increment_int(program_zap_t *z, uint64_t id, uint64_t delta)
{
	int (*call)(objset_t *, uint64_t, uint64_t, int64_t, dmu_tx_t *) =
	    (int (*)(objset_t *, uint64_t, uint64_t, int64_t, dmu_tx_t *))dlsym(RTLD_DEFAULT, "zap_increment_int");
	dmu_tx_t *tx;
	int error = named(z);

	if (error == 0 && call == NULL)
		error = ENOTSUP;
	if (error != 0)
		return (error);
	tx = begin(z->number, 1);
	error = call(os, z->number, id, delta, tx);
	dmu_tx_commit(tx);
	return (error);
}
