/* Entries of a ZAP whose dnode the caller holds: by the functions of a dnode, where the release has them. */

static dnode_t *
held(program_zap_t *z)
{
	dnode_t *dn;

	check(dnode_hold(os, z->number, tag, &dn), "dnode_hold");
	return (dn);
}

static int
do_write_by_dnode(program_zap_t *z, boolean_t update, const void *key, int size, int length, uint64_t fill)
{
	const char *name = update ? "zap_update_uint64_by_dnode" : "zap_add_uint64_by_dnode";
	int (*of_words)(dnode_t *, const uint64_t *, int, int, uint64_t, const void *, dmu_tx_t *) =
	    (int (*)(dnode_t *, const uint64_t *, int, int, uint64_t, const void *, dmu_tx_t *))
	    dlsym(RTLD_DEFAULT, name);
	dmu_tx_t *tx;
	dnode_t *dn;
	int error;

	if (gone(z) || (z->words != 0 ? of_words == NULL : update))
		return (do_write(z, update, key, size, length, fill));
	make_value(size, length, fill);
	tx = begin(z->number, 1);
	dn = held(z);
	if (z->words != 0)
		error = of_words(dn, words_of(key), words_in(key), size, length, buffer, tx);
	else
		error = zap_add_by_dnode(dn, key, size, length, buffer, tx);
	dnode_rele(dn, tag);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_remove_by_dnode(program_zap_t *z, const void *key)
{
	int (*of_words)(dnode_t *, const uint64_t *, int, dmu_tx_t *) =
	    (int (*)(dnode_t *, const uint64_t *, int, dmu_tx_t *))
	    dlsym(RTLD_DEFAULT, "zap_remove_uint64_by_dnode");
	dmu_tx_t *tx;
	dnode_t *dn;
	int error;

	if (gone(z) || (z->words != 0 && of_words == NULL))
		return (do_remove(z, key));
	tx = begin(z->number, 0);
	dn = held(z);
	error = z->words != 0 ? of_words(dn, words_of(key), words_in(key), tx) : zap_remove_by_dnode(dn, key, tx);
	dnode_rele(dn, tag);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_lookup_by_dnode(program_zap_t *z, const void *key, int size, int length)
{
	int (*of_words)(dnode_t *, const uint64_t *, int, uint64_t, uint64_t, void *) =
	    (int (*)(dnode_t *, const uint64_t *, int, uint64_t, uint64_t, void *))
	    dlsym(RTLD_DEFAULT, "zap_lookup_uint64_by_dnode");
	dnode_t *dn;
	int error;

	if (gone(z) || (z->words != 0 && of_words == NULL))
		return (do_lookup(z, key, size, length));
	memset(buffer, 0, (size_t)size * length);
	dn = held(z);
	if (z->words != 0)
		error = of_words(dn, words_of(key), words_in(key), size, length, buffer);
	else
		error = zap_lookup_by_dnode(dn, key, size, length, buffer);
	dnode_rele(dn, tag);
	if (error == 0 || error == EOVERFLOW)
		put(buffer, (size_t)size * length);
	return (error);
}

static int
do_count_by_dnode(program_zap_t *z)
{
	int (*call)(dnode_t *, uint64_t *) = (int (*)(dnode_t *, uint64_t *))dlsym(RTLD_DEFAULT, "zap_count_by_dnode");
	uint64_t count;
	dnode_t *dn;
	int error;

	if (gone(z) || call == NULL)
		return (do_count(z));
	dn = held(z);
	error = call(dn, &count);
	dnode_rele(dn, tag);
	if (error == 0)
		put_number(count);
	return (error);
}
