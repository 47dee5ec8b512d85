/* A pool with room for all that a program asks for. */

static void
assign(dmu_tx_t *tx)
{
	/* Waiting moves txgs: only a program with threads may. */
	int error = dmu_tx_assign(tx, may_wait);

	if (error != 0)
		limit(strerror(error));
}
