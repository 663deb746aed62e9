/*
 * keys - see keys.h.
 */
#include "tools/keys.h"

bool
keys_open(struct keys *k, const char *path, bool change)
{
	char why[400];

	*k = (struct keys){ .edited = { .lock = -1 } };
	if (!edited_open(
		&k->edited, "mgw-key", path, KEY_FILE_BYTES_MAX, change))
		return false;
	k->file = key_file_new(buf_span(&k->edited.text), why, sizeof(why));
	if (k->file != NULL)
		return true;
	(void)edited_fail(&k->edited, why);
	keys_close(k);
	return false;
}

void
keys_close(struct keys *k)
{
	key_file_free(k->file);
	edited_close(&k->edited);
	*k = (struct keys){ .edited = { .lock = -1 } };
}

bool
keys_save(struct keys *k)
{
	struct key_file *checked;
	char why[400];

	if (k->edited.text.failed)
		return edited_fail(&k->edited, "too large");
	checked = key_file_new(buf_span(&k->edited.text), why, sizeof(why));
	if (checked == NULL)
		return edited_fail(&k->edited, why);
	key_file_free(checked);
	return edited_save(&k->edited);
}

bool
keys_when(struct span s, int64_t now_s, int64_t *unix_s)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 604800 } };
	uint64_t v;

	if (span_eq(s, SPAN("never"))) {
		*unix_s = 0;
		return true;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (s.n < 2 || s.p[s.n - 1] != units[i].letter)
			continue;
		/* A thousand years are enough for everybody. */
		if (!span_to_u64(span_of(s.p, s.n - 1),
			UINT64_C(31557600000) / (uint64_t)units[i].seconds, &v))
			return false;
		*unix_s = now_s + (int64_t)v * units[i].seconds;
		return true;
	}
	return key_time_parse(s, unix_s);
}
