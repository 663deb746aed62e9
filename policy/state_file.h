/*
 * state_file - the layout of the shared file; for state*.c alone.
 *
 * Everything behind the header is words that many processes change at
 * once, so nothing here is trusted: an index, a length or a time read
 * from the file is checked or masked where it is used.
 *
 * Locks are open-file-description locks on bytes far behind the end of
 * the file.  They exclude other processes only, so that each is taken
 * together with a mutex of this process.
 */
#ifndef MGW_POLICY_STATE_FILE_H
#define MGW_POLICY_STATE_FILE_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "policy/gauge.h"
#include "policy/state.h"

#define STATE_MAGIC "MGWSTATE"
#define STATE_VERSION 1
#define STATE_SECTIONS_MAX 32
#define STATE_PAGE 4096

enum state_tag {
	STATE_BUCKETS = 1,
	STATE_OVERFLOW,
	STATE_VERDICTS,
	STATE_METRICS,
	STATE_APIS,
	STATE_PROCESSES,
	STATE_HELD = 16, /* requests in progress */
	STATE_BREAKERS = 17,
	STATE_CLIENT_BUCKETS = 18, /* whose keys a client chooses */
	STATE_SLIDES = 20,
	STATE_CLIENT_SLIDES,
	STATE_SLIDE_OVERFLOW,
	STATE_CONTROL = 24,
	STATE_NAMES,
	STATE_HEALTH = 29,
	STATE_PROOFS = 27,   /* see state_proof.c */
	STATE_FAILURES = 26, /* of clients, see failure.h */
	STATE_REVOCATION = 28,
};

struct state_section {
	uint32_t tag;
	uint32_t version; /* of the entries, 1 */
	uint64_t offset;  /* a multiple of STATE_PAGE */
	uint32_t entry_bytes;
	uint32_t count;
};

struct state_header {
	char magic[8];
	uint32_t version;
	uint32_t n_sections;
	uint64_t size; /* of the whole file */
	struct siphash_key key;
	int64_t made_us;
	struct state_section sections[STATE_SECTIONS_MAX];
	struct hash128 sum; /* of all before it, under "key" */
};

/*
 * A counter.  "value" is 8 bits of generation and 56 of payload; see
 * state_bucket.c for who may write what.
 */
struct bucket {
	_Atomic uint64_t lo, hi; /* id */
	_Atomic uint64_t value;
	_Atomic int64_t expires_us; /* from then on it limits nobody */
};

/* A counter of a sliding window: the newest slot, and those before. */
struct slide {
	struct bucket head;
	_Atomic uint64_t ring[SLIDE_SLOTS]; /* see gauge.h */
};

/* Buckets are searched and locked by groups of this many. */
#define GROUP 16

/* Buckets, or slides, which begin with one. */
struct bucket_table {
	char *p;
	size_t stride;
	uint32_t n_groups; /* a power of two */
	off_t locks;       /* of its first group */
	bool forgets;      /* full: the counter nearest its end gives way */
};

enum table {
	TABLE_BUCKETS,
	TABLE_CLIENT,
	TABLE_OVERFLOW,
	TABLE_SLIDES,
	TABLE_CLIENT_SLIDES,
	TABLE_SLIDE_OVERFLOW,
	TABLE_FAILURES,
	TABLE__MAX,
};

struct verdict_slot {
	_Atomic uint64_t lo, hi; /* id; 0, 0 while it is written */
	_Atomic int64_t expires_s;
	_Atomic uint32_t key_bytes, payload_bytes;
	/* The keyed sum of all other fields. */
	_Atomic uint64_t sum_lo, sum_hi;
	/* Key id, then payload.  Words, since they may be read and written
	 * at once; what comes of that, the sum finds. */
	_Atomic uint64_t words[VERDICT_BYTES_MAX / 8];
};

/* A build numbers its reasons as it likes; the file goes by their words. */
#define COLUMNS 64
#define COLUMN_BYTES 24
#define TOTALS 32

struct metrics {
	char words[COLUMNS][COLUMN_BYTES]; /* column 0 is "-" */
	_Atomic uint64_t totals[TOTALS];   /* by enum state_total */
};

struct api_slot {
	_Atomic uint64_t id; /* 0: free */
	char name[120];      /* up to its first NUL */
	_Atomic uint64_t us; /* time spent in all */
	_Atomic uint64_t counts[COLUMNS];
};

struct process_slot {
	_Atomic int64_t pid, started_us;
	_Atomic uint64_t policy;
	_Atomic uint32_t workers_max, workers, busy, pad;
	char bundle[216]; /* path, up to its first NUL */
};

/* Proofs are looked for in groups of this many. */
#define STATE_PROOF_GROUP 64

#define BREAKER_PARTS 8

/* Makes 128 bytes; see state_breaker.c. */
struct breaker_slot {
	_Atomic uint64_t lo, hi;        /* id; 0: free */
	_Atomic int64_t open_until_us;  /* 0: closed */
	_Atomic int64_t probe_until_us; /* somebody shows until then */
	_Atomic int64_t used_us;
	_Atomic uint64_t parts[BREAKER_PARTS];
	_Atomic uint64_t pad[3];
};

#define HEALTH_WORDS 24

/* Makes 256 bytes; see state_health.c. */
struct health_slot {
	_Atomic uint64_t lo, hi; /* id; 0: free */
	_Atomic int64_t used_us, changed_us;
	_Atomic int64_t valid_us;             /* until then the verdict holds */
	_Atomic int64_t aside_us;             /* until then better not used */
	_Atomic uint32_t failures;            /* of requests, in a row */
	_Atomic uint32_t verdict;             /* enum health_verdict */
	_Atomic uint32_t in_a_row;            /* checks that contradict it */
	_Atomic uint32_t status;              /* of the last check */
	_Atomic uint64_t words[HEALTH_WORDS]; /* URL, up to its first NUL */
};

#define NAME_WORDS 53

/* Makes 512 bytes; see state_names.c. */
struct name_slot {
	_Atomic uint64_t lo, hi; /* id; 0, 0 while it is written */
	_Atomic int64_t first_us, last_us, until_us, window_us;
	_Atomic uint64_t taken, refused;
	_Atomic uint64_t sum_lo, sum_hi, bytes;
	_Atomic uint64_t words[NAME_WORDS];
};

/* Processes that can hold requests at once, those of CGI included. */
#define HELD_OWNERS 512

/* Requests in progress, by owner; see state_held.c. */
struct held {
	_Atomic uint64_t lo, hi;          /* id */
	_Atomic uint32_t by[HELD_OWNERS]; /* 16 bits generation, 16 count */
};

/* What there is one of. */
struct control_words {
	_Atomic uint64_t rules_seq;
	/* Who makes most of the traffic; see state_control.c. */
	_Atomic uint64_t candidate, votes, counted;
	_Atomic int64_t told_us;
	_Atomic int64_t store_down_us; /* until then; see state_store.c */
	_Atomic uint32_t owners[HELD_OWNERS]; /* their generations */
};

/* What processes tell each other of revocation lists. */
struct revocation_words {
	_Atomic uint64_t words[STATE_REVOKED__MAX];
};

#define MUTEXES 16
#define HASH_PLACES 16

struct state {
	int fd;
	int home; /* folder of the copy of one in memory; else -1 */
	bool writable;
	char *map;
	size_t size;
	const struct state_header *header;
	struct siphash_key key;
	struct bucket_table tables[TABLE__MAX];
	struct verdict_slot *verdicts;
	uint32_t n_verdicts; /* a power of two */
	struct metrics *metrics;
	struct api_slot *apis;
	uint32_t n_apis; /* a power of two */
	struct process_slot *processes;
	uint32_t n_processes;
	struct control_words *control;
	struct revocation_words *revocation;
	struct held *held;
	uint32_t n_held;
	atomic_int owner; /* our number in state_held.c, or -1 */
	struct name_slot *names;
	uint32_t n_names; /* a power of two */
	struct health_slot *health;
	uint32_t n_health; /* a power of two */
	_Atomic uint64_t *proofs;
	uint32_t n_proofs; /* a power of two */
	struct breaker_slot *breakers;
	uint32_t n_breakers;                /* a power of two */
	int process;                        /* our slot, or -1 */
	unsigned char columns[REASON__MAX]; /* of each reason; 0: none */
	pthread_mutex_t mutexes[MUTEXES];
	pthread_mutex_t hashing[HASH_PLACES]; /* of this process */
	_Atomic unsigned n_hash_waiting;
};

/*
 * Bytes to lock, by what they guard; no two may have one in common, since
 * all locks of a process are of one open file: giving one back would give
 * back the other.
 */
#define LOCK_APIS ((off_t)3 << 40)
#define LOCK_COLUMNS ((off_t)4 << 40)
#define LOCK_PROCESSES ((off_t)5 << 40)
#define LOCK_OWNERS ((off_t)6 << 40)
#define LOCK_HELD ((off_t)7 << 40)
#define LOCK_MIGRATE ((off_t)8 << 40)
#define LOCK_SNAPSHOT ((off_t)9 << 40)
#define LOCK_HASHES ((off_t)10 << 40)
#define LOCK_TABLES ((off_t)16 << 40) /* and up, one for each table */
#define LOCK_LEASES ((off_t)1 << 50)

/* What a keyed hash is for, so that none can stand in for another. */
enum state_space {
	SPACE_HEADER = 1,
	SPACE_COUNTER,
	SPACE_OVERFLOW,
	SPACE_VERDICT_ID,
	SPACE_VERDICT,
	SPACE_FILE,
	SPACE_NAME,
	SPACE_NAME_SUM,
	SPACE_LEASE,
	SPACE_HELD,
	SPACE_PROOF,
};

/*
 * Exclude all threads of all processes from what "byte" guards.  False:
 * somebody stopped holds it, or the kernel has no lock to give.
 */
bool state_lock(struct state *s, off_t byte);
void state_unlock(struct state *s, off_t byte);

/*
 * One fcntl(2) of this command on one byte, of other processes alone;
 * "*type" is F_WRLCK or F_UNLCK, and what F_OFD_GETLK says.
 */
bool state_byte_lock(int fd, int command, off_t byte, short *type);

/* state_held.c: one request more in progress, and one less. */
enum take_result state_held_take(struct state *s, struct take *t);
void state_held_give(struct state *s, struct take *t);

/* Proofs that are remembered. */
uint64_t state_proofs_used(const struct state *s, int64_t now_s);

/* Keys that have requests in progress. */
uint64_t state_held_used(const struct state *s);

/*
 * state_table.c: where counters are.  The bucket of "id", or NULL.
 */
struct bucket *state_find(const struct bucket_table *table, struct hash128 id);

/* True, with its value, when "b" is in use by "id". */
bool state_bucket_read(
    const struct bucket *b, struct hash128 id, uint64_t *value);

/*
 * The bucket of "id", made with "payload" if need be; "*found" is NULL when
 * there is no place.  False: could not lock.
 */
bool state_insert(struct state *s, const struct bucket_table *table,
    struct hash128 id, uint64_t payload, int64_t now_us, int64_t expires_us,
    struct bucket **found);

/* Have it last until then, at least. */
void state_raise_expiry(struct bucket *b, int64_t to_us, int64_t now_us);

/* "now_us" may be right: the state was not made long after it. */
bool state_clock_is_right(const struct state *s, int64_t now_us);

/*
 * state_slide.c: begin a sliding window anew: with nothing ("over"), or when
 * the clock was set back, with all that it knows of, as if it was just now.
 * "*value" is what the caller read; false: it has changed meanwhile.
 */
bool state_slide_mend(
    struct slide *slide, struct gauge *g, uint64_t *value, bool over);

/* The slot that "value" ends goes into the ring. */
void state_slide_keep(
    struct slide *slide, const struct gauge *g, uint64_t value);

/* A request whose slot has gone into the ring since. */
void state_slide_refund(
    struct slide *slide, const struct gauge *g, uint64_t charged);

/* A bucket's value is a generation and the payload of gauge.h. */
#define PAYLOAD ((UINT64_C(1) << 56) - 1)
#define BUSY PAYLOAD

/* A bucket may be lost to others this often before we give up. */
#define TRIES_MAX 64

/* A state directory that is ours; -1 with "why". */
int state_open_folder(const char *dir, bool make, char *why, size_t why_size);

/*
 * The folder in memory that the state directory "home" names, with the
 * shared file copied there if it lacks one and "make"; or one of these.
 */
#define STATE_MEMORY_NONE (-1)
#define STATE_MEMORY_BAD (-2)
int state_memory_folder(int home, bool make, char *why, size_t why_size);

/* Some process serves from it. */
bool state_in_use(const struct state *s);

/* Lay out, allocate and fill a new shared file below the folder. */
bool state_make(
    int folder, const struct state_sizes *sizes, char *why, size_t why_size);
struct hash128 state_header_sum(const struct state_header *h);

/* The parts of it that state_migrate.c needs as well. */
void state_lay_out(struct state_header *h, const struct state_sizes *sizes);
void state_add_section(
    struct state_header *h, uint32_t tag, size_t entry_bytes, uint32_t count);

/* Take the space, then write the header; 0 or the error. */
int state_fill_file(int fd, const struct state_header *h);

/* Counters, which a copy or a larger table has to move one by one. */
bool state_is_counters(uint32_t tag);

/*
 * Put a shared file with all sections, of these sizes at least, in the place
 * of the one that is open as "fd", and was made before some of them were
 * known or is smaller; what it has counted goes with it.  NULL: done, by us
 * or by another, and to be opened again; else why not.  Nothing is changed
 * then.
 */
const char *state_migrate(int folder, int fd, const struct state_header *old,
    const char *map, const struct state_sizes *sizes);

/* How many requests of "t" are in progress. */
uint64_t state_held_count(const struct state *s, const struct take *t);

/* "t" has no counter of its own, and that of all such counts. */
bool state_is_shared(const struct state *s, struct take *t, int64_t now_us);

/* Let the counter of "t" begin anew, if there is one. */
void state_forget(struct state *s, struct take *t, int64_t now_us);

/* Let all counters of a table begin anew. */
void state_forget_all(const struct bucket_table *table);

/* Part of state_report. */
bool state_report_processes(
    const struct state *s, struct arena *a, struct state_report *r);

/* Find or add the columns of all reasons; false: could not lock. */
bool state_columns(struct state *s);

#endif
