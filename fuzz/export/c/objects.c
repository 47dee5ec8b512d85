/* Objects, and operations: each that changes something is a transaction of its own. */

static dmu_tx_t *
begin(uint64_t number, int add)
{
	dmu_tx_t *tx = dmu_tx_create(os);

	dmu_tx_hold_zap(tx, number, add, NULL);
	assign(tx);
	return (tx);
}

/* The same of a transaction that frees more than it takes: it gets on without room, too. */
static dmu_tx_t *
begin_freeing(uint64_t number)
{
	dmu_tx_t *tx = dmu_tx_create(os);

	dmu_tx_hold_zap(tx, number, 0, NULL);
	dmu_tx_mark_netfree(tx);
	assign(tx);
	return (tx);
}

/*
 * The salt is made of addresses; names hash as in the model only with the program's. With creation flags zap_t,
 * the user data of block 0, has it too; where in it depends on how the library was built. A salt can happen to
 * be as small as another word of zap_t (the size of a block): its place is that which has had it every time.
 */
static uint64_t salt_places = ~0ULL;

static void
set_salt(program_zap_t *z, dmu_tx_t *tx)
{
	dmu_buf_t *db;
	uint64_t *salt, *user, there = 0;

	check(dmu_buf_hold(os, z->number, 0, tag, &db, DMU_READ_NO_PREFETCH), "dmu_buf_hold");
	dmu_buf_will_dirty(db, tx);
	if (z->flags != 0)
		salt = &((zap_phys_t *)db->db_data)->zap_salt;
	else
		salt = &((mzap_phys_t *)db->db_data)->mz_salt;
	user = dmu_buf_get_user(db);
	for (int word = 0; user != NULL && word < 32; word++)
		there |= (uint64_t)(user[word] == *salt) << word;
	if (user != NULL) {
		salt_places &= there;
		check(salt_places == 0 ? ENOENT : 0, "finding the salt in zap_t");
		user[__builtin_ctzll(salt_places)] = z->salt;
	}
	*salt = z->salt;
	dmu_buf_rele(db, tag);
}

/*
 * zap_create_flags() and zap_create_norm(), with an object number that does not hang on which processor runs this:
 * the one that the ZAP had before if that is free again, else one that was never used.
 */
static int
do_create(program_zap_t *z)
{
	uint64_t number = synced > z->freed ? z->last : 0;
	int size = z->fat ? 1 << z->shift : 0;
	/* a directory's type, in which 2.3 takes longer names, for what is created without flags */
	dmu_object_type_t type = z->flags != 0 ? DMU_OT_OBJECT_DIRECTORY : DMU_OT_DIRECTORY_CONTENTS;
	dmu_tx_t *tx;
	dnode_t *dn;

	if (z->number != 0)
		return (EEXIST);
	tx = begin(DMU_NEW_OBJECT, 1);
	do {
		z->number = number != 0 ? number : ++objects;
		number = 0;
	} while (dmu_object_claim(os, z->number, type, size, DMU_OT_NONE, 0, tx) != 0);
	if (z->indirect_shift != 0)
		check(dmu_object_set_blocksize(os, z->number, size, z->indirect_shift, tx), "dmu_object_set_blocksize");
	check(dnode_hold(os, z->number, tag, &dn), "dnode_hold");
	mzap_create_impl(dn, z->norm, z->flags, tx);
	dnode_rele(dn, tag);
	set_salt(z, tx);
	dmu_tx_commit(tx);
	if (z->inode != 0 && z->last == 0) {
		z->next = tree;
		tree = z;
	}
	z->removed = B_FALSE;
	return (0);
}

static int
do_destroy(program_zap_t *z)
{
	dmu_tx_t *tx;
	int error;

	if (z->number == 0)
		return (ENOENT);
	tx = dmu_tx_create(os);
	dmu_tx_hold_free(tx, z->number, 0, DMU_OBJECT_END);
	assign(tx);
	error = zap_destroy(os, z->number, tx);
	dmu_tx_commit(tx);
	if (error == 0) {
		z->last = z->number;
		z->number = 0;
		z->freed = synced + in_flight + 1;
	}
	return (error);
}

/* Objects that somebody owns: nobody does where the object set keeps no accounts. */
static int
do_allocate(int count, int first, uint64_t id, int whose)
{
	(void) count, (void) first, (void) id, (void) whose;
	return (ENOTSUP);
}

static int
do_chown(int count, int first, uint64_t id, int whose)
{
	(void) count, (void) first, (void) id, (void) whose;
	return (ENOTSUP);
}

static int
do_free(int count, int first)
{
	(void) count, (void) first;
	return (ENOTSUP);
}

static int
do_resize(int count, int first, int blocks)
{
	(void) count, (void) first, (void) blocks;
	return (ENOTSUP);
}

/* Which sync tasks come first: there are none without a ZAP of the meta object set. */
static int
do_early(int on)
{
	(void) on;
	return (0);
}
