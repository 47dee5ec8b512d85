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

static int
do_cursor(program_cursor_t *c, program_zap_t *z, uint64_t from)
{
	(void) do_close(c);
	if (gone(z))
		return (ENOENT);
	zap_cursor_init_serialized(&c->cursor, os, z->number, from);
	c->open = B_TRUE;
	c->moved = B_FALSE;
	return (0);
}

static int
retrieve(zap_cursor_t *zc, uint64_t *size, uint64_t *length)
{
#ifdef ZAP_MAXNAMELEN_NEW
	zap_attribute_t *za = zap_attribute_long_alloc();
#else
	zap_attribute_t one, *za = &one;
#endif
	int error = zap_cursor_retrieve(zc, za);

	if (error == 0) {
		*size = za->za_integer_length;
		*length = za->za_num_integers;
	}
#ifdef ZAP_MAXNAMELEN_NEW
	zap_attribute_free(za);
#endif
	return (error);
}

static int
do_retrieve(program_cursor_t *c)
{
	uint64_t size, length;
	int error;

	if (!c->open)
		return (EBADF);
	error = retrieve(&c->cursor, &size, &length);
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
	(void) zap_cursor_serialize(&c->cursor);
	return (0);
}

static int
do_next(program_cursor_t *c)
{
	if (c->open && c->moved)
		zap_cursor_advance(&c->cursor);
	return (do_retrieve(c));
}

