/*
 * A pool without room, or a file system over its quota. OpenZFS itself decides, by what is used, which is never
 * nothing: while it assigns a transaction it is told that there is less than that.
 */

#include <setjmp.h>
#include <sys/dsl_dataset.h>
#include <sys/dsl_dir.h>

/* Where an operation goes on whose transaction is refused. */
static jmp_buf refusal;

/* What an operation returns, or what its transaction is refused with. */
#define	refusable(call)		\
({				\
	int returned;		\
	if (setjmp(refusal) == 0)	\
		returned = (call);	\
	else			\
		returned = full;	\
	returned;		\
})

/* What transactions are refused with, 0 while there is room, is `full`. */
static int
do_full(int on, int error)
{
	full = on ? error : 0;
	return (0);
}

/* The share of the pool that is kept back is all of it, of which who frees may have half. */
static int
assign_with_all_kept_back(dmu_tx_t *tx)
{
	int *share = dlsym(RTLD_DEFAULT, "spa_slop_shift"), usual, error;

	check(share == NULL ? ENOENT : 0, "spa_slop_shift");
	usual = *share;
	*share = 0;
	error = dmu_tx_assign(tx, 0);
	*share = usual;
	return (error);
}

static void *
hold_bonus(uint64_t number, dmu_buf_t **db)
{
	check(dmu_bonus_hold(spa_meta_objset(spa), number, tag, db), "dmu_bonus_hold");
	return ((*db)->db_data);
}

/* The quota, in memory alone, is one byte. */
static int
assign_with_quota_of_a_byte(dmu_tx_t *tx)
{
	dmu_buf_t *dataset, *directory;
	dsl_dataset_phys_t *ds = hold_bonus(dmu_objset_id(os), &dataset);
	dsl_dir_phys_t *dir = hold_bonus(ds->ds_dir_obj, &directory);
	int error;

	dir->dd_quota = 1;
	error = dmu_tx_assign(tx, 0);
	dir->dd_quota = 0;
	dmu_buf_rele(directory, tag);
	dmu_buf_rele(dataset, tag);
	return (error);
}

static void
assign(dmu_tx_t *tx)
{
	int error;

	if (full == ENOSPC)
		error = assign_with_all_kept_back(tx);
	else if (full != 0)
		error = assign_with_quota_of_a_byte(tx);
	else
		error = dmu_tx_assign(tx, 0);
	if (error == 0)
		return;
	/* Where frees that are put off may make room it is ERESTART: who waits is then refused. */
	if (full == 0 || (error != full && error != ERESTART))
		limit(strerror(error));
	dmu_tx_abort(tx);
	longjmp(refusal, 1);
}
