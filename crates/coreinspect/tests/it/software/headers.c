/* Writes one header into a System V segment and waits, so that a dump of it has what gcc makes of the struct.
   Usage: headers KEY NAME. Prints `ready`. The structs are those of the programs' own headers:
   postgresql: src/include/storage/pg_shmem.h of the named releases; ntp: ntpd/refclock_shm.c; php: ext/sysvshm/php_sysvshm.h. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct postgresql_8_1 { int32_t magic; pid_t creatorPID; size_t totalsize, freeoffset; dev_t device; ino_t inode; };
struct postgresql_8_2 { int32_t magic; pid_t creatorPID; size_t totalsize, freeoffset, indexoffset; dev_t device; ino_t inode; };
struct postgresql_9_3 { int32_t magic; pid_t creatorPID; size_t totalsize, freeoffset; void *index; dev_t device; ino_t inode; };
struct postgresql_9_4 { int32_t magic; pid_t creatorPID; size_t totalsize, freeoffset; uint32_t dsm_control; void *index; dev_t device; ino_t inode; };

struct ntp {
	int mode; volatile int count; time_t clockTimeStampSec; int clockTimeStampUSec; time_t receiveTimeStampSec; int receiveTimeStampUSec;
	int leap, precision, nsamples; volatile int valid; unsigned clockTimeStampNSec, receiveTimeStampNSec; int dummy[8];
};

struct php_head { char magic[8]; long start, end, free, total; };
struct php_chunk { long key, length, next; char mem; };

static void php(char *memory)
{
	static const char *const texts[] = { "i:42;", "a:1:{s:1:\"k\";d:0.5;}" };
	struct php_head *head = (struct php_head *)memory;
	strcpy(head->magic, "PHP_SM");
	head->start = head->end = sizeof *head;
	head->total = 4096;
	for (long i = 0; i < 2; i++) {
		struct php_chunk *chunk = (struct php_chunk *)(memory + head->end);
		chunk->key = i ? 7 : -1;
		chunk->length = (long)strlen(texts[i]);
		chunk->next = (long)((chunk->length + sizeof *chunk - 1) / sizeof(long) * sizeof(long) + sizeof(long));
		memcpy(&chunk->mem, texts[i], (size_t)chunk->length);
		head->end += chunk->next;
	}
	head->free = head->total - head->end;
}

#define POSTGRESQL(VERSION, MAGIC, ...) \
	if (!strcmp(name, "postgresql-" #VERSION)) { \
		struct postgresql_##VERSION *header = memory; \
		*header = (struct postgresql_##VERSION){ .magic = MAGIC, .creatorPID = getpid(), .totalsize = 4000, \
			.freeoffset = sizeof *header, .device = 0xfe00, .inode = 0x123456, ##__VA_ARGS__ }; \
		printf("%zu\n", sizeof *header); \
	}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const char *name = argv[2];
	int id = shmget((key_t)strtoul(argv[1], NULL, 16), 4096, IPC_CREAT | IPC_EXCL | 0600);
	void *memory = shmat(id, NULL, 0);
	if (memory == (void *)-1)
		return perror("shmat"), 1;
	POSTGRESQL(8_1, 679834893)
	POSTGRESQL(8_2, 679834894, .indexoffset = 0x600)
	POSTGRESQL(9_3, 679834894)
	POSTGRESQL(9_4, 679834894, .dsm_control = 0xeb2885d8)
	if (!strcmp(name, "postgresql-9_3-all")) {
		/* All in one segment: the index is a pointer into it. */
		*(struct postgresql_9_3 *)memory = (struct postgresql_9_3){ .magic = 679834894, .creatorPID = getpid(), .totalsize = 4000,
			.freeoffset = 3000, .index = (char *)memory + 0x600, .device = 0xfe00, .inode = 0x123456 };
		printf("%zu\n", sizeof(struct postgresql_9_3));
	}
	if (!strncmp(name, "ntp", 3)) {
		struct ntp *ntp = memory;
		*ntp = (struct ntp){ .mode = 1, .count = 6, .clockTimeStampSec = 1795518650, .receiveTimeStampSec = 1795518650,
			.receiveTimeStampUSec = 830333, .precision = -20, .nsamples = 3, .valid = 1, .receiveTimeStampNSec = 830333348 };
		if (!strcmp(name, "ntp-torn")) {
			/* Stopped in the middle of a write: counted once, the new seconds beside the old nanoseconds. */
			ntp->valid = 0;
			ntp->count++;
			ntp->receiveTimeStampSec++;
			ntp->receiveTimeStampUSec = 12345;
		}
		if (!strcmp(name, "ntp-foreign"))
			ntp->mode = 7;
		printf("%zu\n", sizeof *ntp);
	}
	if (!strcmp(name, "php")) {
		php(memory);
		printf("%zu\n", sizeof(struct php_head));
	}
	puts("ready");
	fflush(stdout);
	getchar();
	return 0;
}
