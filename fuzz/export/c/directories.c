/*
 * Directories: the calls that zfs_vnops_os.c and zfs_dir.c make of the ZAP. An entry's value has its kind in the top
 * four bits (ZFS_DIRENT_MAKE). There are no znodes: which ZAP of the program a name leads to is known by numbers, and
 * other directories are empty.
 */

static boolean_t
is_directory(uint64_t entry)
{
	return (entry >> 60 == 4);
}

/* The ZAP of the program to which an entry leads, if to one. */
static program_zap_t *
led_to(uint64_t entry)
{
	for (program_zap_t *z = tree; z != NULL; z = z->next) {
		if (is_directory(entry) && z->inode == (entry & 0xffffffffffffULL))
			return (z);
	}
	return (NULL);
}

/* zfs_dirempty() */
static int
not_empty(uint64_t entry)
{
	program_zap_t *z = led_to(entry);
	uint64_t count = 0;

	if (z == NULL)
		return (0);
	return (z->number == 0 || zap_count(os, z->number, &count) != 0 || count != 0 ? ENOTEMPTY : 0);
}

/* Whether the directory to which an entry leads is this one, or contains it (zfs_rename_lock). */
static boolean_t
contains(uint64_t entry, const program_zap_t *z)
{
	const program_zap_t *upper = led_to(entry);

	for (int depth = 0; upper != NULL && z != NULL && depth < 256; depth++) {
		if (z == upper)
			return (B_TRUE);
		z = z->parent;
	}
	return (B_FALSE);
}

/* The directory to which an entry led has no name any more: nothing is found or made there. */
static void
note_removed(uint64_t entry)
{
	program_zap_t *z = led_to(entry);

	if (z != NULL)
		z->removed = B_TRUE;
}

/* What zpl_lookup() and zfs_lookup() refuse a name for: its length (2.3 has longname=), bytes that are no UTF-8. */
static int
not_allowed(program_zap_t *z, const void *name)
{
	size_t room = ZAP_MAXNAMELEN;
	int error;
#ifdef ZAP_MAXNAMELEN_NEW
	if (z->longname)
		room = ZAP_MAXNAMELEN_NEW;
#endif

	if (strlen(name) >= room)
		return (ENAMETOOLONG);
	if (z->utf8only && u8_validate((char *)(uintptr_t)name, strlen(name), NULL, U8_VALIDATE_ENTIRE, &error) < 0)
		return (EILSEQ);
	return (0);
}

/* Whether it is `.` or `..`, which no directory stores. */
static boolean_t
is_dots(const char *name)
{
	return (strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

/* The table above zfs_dropname(). */
static matchtype_t
match_of(program_zap_t *z)
{
	return (z->casing == 2 ? MT_NORMALIZE | MT_MATCH_CASE : MT_NORMALIZE);
}

static _Thread_local char stored[2][2048];

/* zfs_match_find(); the name as it is stored goes to one of `stored`. */
static int
look(program_zap_t *z, const void *name, uint64_t *entry, int which)
{
	int error = not_allowed(z, name);

	*entry = 0;
	if (error == 0 && z->removed)
		error = ENOENT;
	if (error != 0)
		return (error);
	if (z->norm == 0) {
		(void) snprintf(stored[which], sizeof (stored[which]), "%s", (const char *)name);
		error = zap_lookup(os, z->number, name, 8, 1, entry);
	} else {
		boolean_t conflict;

		error = zap_lookup_norm(os, z->number, name, 8, 1, entry, match_of(z), stored[which],
		    sizeof (stored[which]), &conflict);
	}
	return (error == EOVERFLOW ? 0 : error);
}

/* zfs_dirlook() */
static int
do_dirlook(program_zap_t *z, const void *name)
{
	uint64_t entry;
	int error = named(z);

	return (error != 0 || is_dots(name) ? error : look(z, name, &entry, 0));
}

static int
link_name(program_zap_t *z, const void *name, uint64_t entry, dmu_tx_t *tx)
{
	int error = zap_add(os, z->number, name, 8, 1, &entry, tx);
	program_zap_t *child = led_to(entry);

	if (error == 0 && child != NULL) {
		child->parent = z;
		child->removed = B_FALSE;
	}
	return (error);
}

/* zfs_dropname() */
static int
unlink_name(program_zap_t *z, const void *name, dmu_tx_t *tx)
{
	if (z->norm != 0)
		return (zap_remove_norm(os, z->number, name, match_of(z), tx));
	return (zap_remove(os, z->number, name, tx));
}

static int
link_alone(program_zap_t *z, const void *name, uint64_t entry)
{
	dmu_tx_t *tx = begin(z->number, 1);
	int error = link_name(z, name, entry, tx);

	dmu_tx_commit(tx);
	return (error);
}

/* zfs_create(), zfs_mkdir(), zfs_symlink() */
static int
make_entry(program_zap_t *z, const void *name, uint64_t entry, int parent)
{
	uint64_t there;
	int error = named(z);

	if (error != 0)
		return (error);
	if (is_dots(name))
		return (strcmp(name, "..") == 0 ? parent : EEXIST);
	error = look(z, name, &there, 0);
	if (error != ENOENT)
		return (error == 0 ? EEXIST : error);
	return (z->removed ? ENOENT : link_alone(z, name, entry));
}

static int
do_touch(program_zap_t *z, const void *name, uint64_t inode)
{
	return (make_entry(z, name, 8ULL << 60 | inode, EISDIR));
}

static int
do_mkdir(program_zap_t *z, const void *name, uint64_t inode)
{
	return (make_entry(z, name, 4ULL << 60 | inode, EEXIST));
}

static int
do_symlink(program_zap_t *z, const void *name, uint64_t inode)
{
	return (make_entry(z, name, 10ULL << 60 | inode, EEXIST));
}

/* zfs_remove(), zfs_rmdir() */
static int
drop_entry(program_zap_t *z, const void *name, boolean_t directory, int otherwise)
{
	uint64_t entry;
	dmu_tx_t *tx;
	int error = named(z);

	if (error == 0 && is_dots(name))
		error = EEXIST;
	if (error == 0)
		error = look(z, name, &entry, 0);
	if (error != 0)
		return (error);
	if (is_directory(entry) != directory)
		return (otherwise);
	tx = begin_freeing(z->number);
	error = not_empty(entry);
	if (error == 0)
		error = unlink_name(z, name, tx);
	if (error == 0)
		note_removed(entry);
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

static boolean_t
of_two_file_systems(program_zap_t *one, program_zap_t *other)
{
	return (one->norm != other->norm || one->casing != other->casing || one->utf8only != other->utf8only ||
	    one->longname != other->longname || one->compression != other->compression ||
	    one->encryption != other->encryption);
}

/* zfs_link() */
static int
do_link(program_zap_t *from, program_zap_t *into, const void *name, const void *new)
{
	uint64_t entry, there;
	int error = named(from);

	if (error == 0)
		error = named(into);
	if (error == 0 && is_dots(name))
		error = EEXIST;
	if (error == 0)
		error = look(from, name, &entry, 0);
	if (error == 0 && is_dots(new))
		error = EEXIST;
	if (error != 0)
		return (error);
	error = look(into, new, &there, 1);
	if (error != ENOENT)
		return (error == 0 ? EEXIST : error);
	if (into->removed)
		return (ENOENT);
	if (of_two_file_systems(from, into))
		return (EXDEV);
	return (is_directory(entry) ? EPERM : link_alone(into, new, entry));
}

/* What comes to the old name of a rename: nothing, the entry that was replaced, a whiteout. */
typedef enum {
	NOTHING_LEFT, EXCHANGED, WHITED_OUT
} left_t;

/*
 * zfs_rename(): what has the new name goes, the new entry comes, the old one goes, in one transaction; since 2.2
 * the old one goes first, and where a step fails those before it are taken back.
 */
static int
rename_entry(program_zap_t *from, program_zap_t *into, const char *name, const char *new, left_t left, uint64_t inode)
{
	uint64_t entry, there;
	int error = named(from), found;
	boolean_t first = dlsym(RTLD_DEFAULT, "brt_init") != NULL, linked = B_FALSE;
	const uint64_t number = 0xffffffffffffULL;
	dmu_tx_t *tx;

	if (error == 0)
		error = named(into);
	if (error == 0 && of_two_file_systems(from, into))
		error = EXDEV;
	if (error == 0 && is_dots(name))
		error = strcmp(name, "..") == 0 ? EINVAL : EEXIST;
	if (error == 0)
		error = look(from, name, &entry, 0); /* without the old name Linux asks no more */
	if (error != 0)
		return (error);
	if (is_dots(new))
		return (strcmp(new, "..") == 0 ? EINVAL : EEXIST);
	found = look(into, new, &there, 1);
	if (found != 0 && found != ENOENT)
		return (found);
	if (found != 0 && left == EXCHANGED)
		return (ENOENT);
	if (contains(entry, into))
		return (EINVAL);
	if (found == 0 && contains(there, from))
		return (left == EXCHANGED ? EINVAL : ENOTEMPTY);
	if (found != 0 && into->removed)
		return (ENOENT);
	if (found == 0 && left != EXCHANGED && is_directory(entry) != is_directory(there))
		return (is_directory(entry) ? ENOTDIR : EISDIR);
	if (found == 0 && (((entry ^ there) & number) == 0 && (entry & number) > 1))
		return (0);
	if (found == 0 && from == into && strcmp(stored[0], stored[1]) == 0)
		return (0);
	if (left != NOTHING_LEFT && !first)
		return (EINVAL);
	if (from->casing == 1) {
		name = stored[0];
		new = found == 0 ? stored[1] : new;
	}
	tx = dmu_tx_create(os);
	dmu_tx_hold_zap(tx, from->number, left != NOTHING_LEFT, NULL);
	dmu_tx_hold_zap(tx, into->number, B_TRUE, NULL);
	assign(tx);
	(void) gone(from);
	(void) gone(into);
	if (first)
		error = unlink_name(from, name, tx);
	if (error == 0 && found == 0) {
		error = left == EXCHANGED ? 0 : not_empty(there);
		if (error == 0)
			error = unlink_name(into, new, tx);
		if (error == 0 && left != EXCHANGED)
			note_removed(there);
		if (error != 0 && first)
			(void) link_name(from, name, entry, tx);
	}
	if (error == 0) {
		error = link_name(into, new, entry, tx);
		if (error == 0 && left != NOTHING_LEFT) {
			linked = B_TRUE;
			error = link_name(from, name, left == EXCHANGED ? there : 2ULL << 60 | inode, tx);
		}
		if (error != 0 && linked)
			(void) unlink_name(into, new, tx);
		if (error != 0 && first && found == 0)
			(void) link_name(into, new, there, tx);
		if (error != 0 && first)
			(void) link_name(from, name, entry, tx);
	}
	if (error == 0 && !first) {
		error = unlink_name(from, name, tx);
		if (error != 0)
			(void) unlink_name(into, new, tx);
	}
	dmu_tx_commit(tx);
	return (error);
}

static int
do_rename(program_zap_t *from, program_zap_t *into, const void *name, const void *new)
{
	return (rename_entry(from, into, name, new, NOTHING_LEFT, 0));
}

static int
do_exchange(program_zap_t *from, program_zap_t *into, const void *name, const void *new)
{
	return (rename_entry(from, into, name, new, EXCHANGED, 0));
}

static int
do_whiteout(program_zap_t *from, program_zap_t *into, const void *name, const void *new, uint64_t inode)
{
	return (rename_entry(from, into, name, new, WHITED_OUT, inode));
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

	if (error == 0 && z->removed)
		error = ENOENT;
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

typedef struct {
	shape_t shape;
	char name[2048];
} listed_t;

static void
keep_name(const zap_attribute_t *za, void *whose)
{
	listed_t *listed = whose;

	listed->shape.size = za->za_integer_length;
	listed->shape.length = za->za_num_integers;
	(void) snprintf(listed->name, sizeof (listed->name), "%s", za->za_name);
}

/* One call of zfs_readdir(). An entry is retrieved before its caller says that there is no room for it. */
static int
do_getdents(program_zap_t *z, uint64_t from, int names)
{
	static const char *const special[] = { ".", ".." };
	zap_cursor_t cursor;
	listed_t listed;
	int count = 0, error = named(z);

	if (error == 0 && z->removed)
		error = ENOENT;
	if (error == 0)
		error = init(&cursor, z->number, from > 3 ? from : 0);
	if (error != 0)
		return (error);
	for (;;) {
		boolean_t early = from < 2;
		const char *name = early ? special[from] : listed.name;

		if (!early) {
			error = retrieve(&cursor, keep_name, &listed);
			if (error == 0 && (listed.shape.size != 8 || listed.shape.length == 0))
				error = ENXIO;
		}
		if (error != 0 || count == names)
			break;
		if (!early)
			zap_cursor_advance(&cursor);
		from = early ? from + 1 : zap_cursor_serialize(&cursor);
		put_number(from);
		put(name, strlen(name) + 1);
		count++;
	}
	zap_cursor_fini(&cursor);
	return (error == ENOENT || count != 0 ? 0 : error);
}
