/* Cursors. */

static int
do_close(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	zap_cursor_fini(&c->cursor);
	c->open = B_FALSE;
	return (0);
}

/* Before master it returns nothing, and a cursor always opens. */
static int
init(zap_cursor_t *cursor, uint64_t number, uint64_t from)
{
	int (*call)(zap_cursor_t *, objset_t *, uint64_t, uint64_t) =
	    dlsym(RTLD_DEFAULT, "zap_cursor_init_serialized");
	int error = call(cursor, os, number, from);

	return (dlsym(RTLD_DEFAULT, "zap_cursor_init_by_dnode") == NULL ? 0 : error);
}

static int
do_cursor(program_cursor_t *c, program_zap_t *z, uint64_t from)
{
	int error;

	(void) do_close(c);
	if (gone(z))
		return (ENOENT);
	if (z->shorter)
		return (ENOTSUP);
	error = init(&c->cursor, z->number, from);
	c->open = error == 0;
	c->moved = B_FALSE;
	c->words = z->words;
	return (error);
}

/* Give an entry to a function. */
static int
retrieve(zap_cursor_t *zc, void (*see)(const zap_attribute_t *, void *), void *whose)
{
#ifdef ZAP_MAXNAMELEN_NEW
	zap_attribute_t *za = zap_attribute_long_alloc();
#else
	zap_attribute_t one, *za = &one;
#endif
	int error = zap_cursor_retrieve(zc, za);

	if (error == 0)
		see(za, whose);
#ifdef ZAP_MAXNAMELEN_NEW
	zap_attribute_free(za);
#endif
	return (error);
}

static void
put_entry(const zap_attribute_t *za, void *whose)
{
	int words = *(int *)whose;

	put_number(za->za_integer_length);
	put_number(za->za_num_integers);
	put_number(za->za_first_integer);
	put_number(za->za_normalization_conflict);
	put(za->za_name, words != 0 ? 8 * (size_t)words : strlen(za->za_name));
}

static int
do_retrieve(program_cursor_t *c)
{
	int error;

	if (!c->open)
		return (EBADF);
	error = retrieve(&c->cursor, put_entry, &c->words);
	if (error == 0)
		c->moved = B_TRUE;
	return (error);
}

static int
do_advance(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	zap_cursor_advance(&c->cursor);
	return (0);
}

static int
do_serialize(program_cursor_t *c)
{
	if (!c->open)
		return (EBADF);
	put_number(zap_cursor_serialize(&c->cursor));
	return (0);
}

static int
do_next(program_cursor_t *c)
{
	if (c->open && c->moved)
		zap_cursor_advance(&c->cursor);
	return (do_retrieve(c));
}
