/*
 * Directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP. An entry's value has its kind in the top
 * four bits (ZFS_DIRENT_MAKE). There are no znodes: whether a directory is empty is not asked.
 */

static boolean_t
is_directory(uint64_t entry)
{
	return (entry >> 60 == 4);
}

/* Whether zpl_lookup() refuses a name: 2.3 has longname=on. */
static boolean_t
too_long(const void *name)
{
#ifdef ZAP_MAXNAMELEN_NEW
	return (strlen(name) >= ZAP_MAXNAMELEN_NEW);
#else
	return (strlen(name) >= ZAP_MAXNAMELEN);
#endif
}

/* zfs_match_find() */
static int
look(program_zap_t *z, const void *name, uint64_t *entry)
{
	int error;

	*entry = 0;
	if (too_long(name))
		return (ENAMETOOLONG);
	error = zap_lookup(os, z->number, name, 8, 1, entry);
	return (error == EOVERFLOW ? 0 : error);
}

/* zfs_create(), zfs_mkdir() */
static int
make_entry(program_zap_t *z, const void *name, uint64_t entry)
{
	uint64_t there;
	dmu_tx_t *tx;
	int error = named(z);

	if (error != 0)
		return (error);
	error = look(z, name, &there);
	if (error != ENOENT)
		return (error == 0 ? EEXIST : error);
	tx = begin(z->number, 1);
	error = zap_add(os, z->number, name, 8, 1, &entry, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_touch(program_zap_t *z, const void *name, uint64_t inode)
{
	return (make_entry(z, name, 8ULL << 60 | inode));
}

static int
do_mkdir(program_zap_t *z, const void *name, uint64_t inode)
{
	return (make_entry(z, name, 4ULL << 60 | inode));
}

/* zfs_remove(), zfs_rmdir() */
static int
drop_entry(program_zap_t *z, const void *name, boolean_t directory, int otherwise)
{
	uint64_t entry;
	dmu_tx_t *tx;
	int error = named(z);

	if (error == 0)
		error = look(z, name, &entry);
	if (error != 0)
		return (error);
	if (is_directory(entry) != directory)
		return (otherwise);
	tx = begin(z->number, 0);
	error = zap_remove(os, z->number, name, tx);
	dmu_tx_commit(tx);
	return (error);
}

static int
do_unlink(program_zap_t *z, const void *name)
{
	return (drop_entry(z, name, B_FALSE, EPERM));
}

static int
do_rmdir(program_zap_t *z, const void *name)
{
	return (drop_entry(z, name, B_TRUE, ENOTDIR));
}

static int
link_name(program_zap_t *z, const void *name, uint64_t entry, dmu_tx_t *tx)
{
	(void) gone(z);
	return (zap_add(os, z->number, name, 8, 1, &entry, tx));
}

static int
unlink_name(program_zap_t *z, const void *name, dmu_tx_t *tx)
{
	(void) gone(z);
	return (zap_remove(os, z->number, name, tx));
}

/*
 * zfs_rename(): what has the new name goes, the new entry comes, the old one goes, in one transaction; since 2.2
 * the old one goes first.
 */
static int
do_rename(program_zap_t *from, program_zap_t *into, const void *name, const void *new)
{
	uint64_t entry, there;
	int error = named(from), missing, found;
	boolean_t first = dlsym(RTLD_DEFAULT, "brt_init") != NULL;
	dmu_tx_t *tx;

	if (error == 0)
		error = named(into);
	if (error != 0)
		return (error);
	missing = look(from, name, &entry);
	if (missing != 0 && missing != ENOENT)
		return (missing);
	found = look(into, new, &there);
	if (found != 0 && found != ENOENT)
		return (found);
	if (missing != 0)
		return (missing);
	if (from == into && strcmp(name, new) == 0)
		return (0);
	if (found == 0 && is_directory(entry) != is_directory(there))
		return (is_directory(entry) ? ENOTDIR : EISDIR);
	tx = dmu_tx_create(os);
	dmu_tx_hold_zap(tx, from->number, B_FALSE, NULL);
	dmu_tx_hold_zap(tx, into->number, B_TRUE, NULL);
	assign(tx);
	if (first)
		error = unlink_name(from, name, tx);
	if (error == 0 && found == 0)
		error = unlink_name(into, new, tx);
	if (error == 0) {
		error = link_name(into, new, entry, tx);
		if (error != 0 && first)
			(void) zap_add(os, from->number, name, 8, 1, &entry, tx);
	}
	if (error == 0 && !first)
		error = unlink_name(from, name, tx);
	dmu_tx_commit(tx);
	return (error);
}

typedef struct {
	uint64_t size, length;
} shape_t;

static void
put_name(const zap_attribute_t *za, void *whose)
{
	shape_t *shape = whose;

	shape->size = za->za_integer_length;
	shape->length = za->za_num_integers;
	put(za->za_name, strlen(za->za_name) + 1);
}

/* zfs_readdir() */
static int
do_readdir(program_zap_t *z)
{
	zap_cursor_t cursor;
	shape_t shape = { 8, 1 };
	int error = named(z);

	if (error != 0)
		return (error);
	error = init(&cursor, z->number, 0);
	if (error != 0)
		return (error == ENOENT ? 0 : error);
	while (shape.size == 8 && shape.length != 0 && (error = retrieve(&cursor, put_name, &shape)) == 0)
		zap_cursor_advance(&cursor);
	zap_cursor_fini(&cursor);
	if (shape.size == 8 && shape.length != 0 && error == ENOENT)
		return (0);
	value_size = 0;
	return (shape.size != 8 || shape.length == 0 ? ENXIO : error);
}
