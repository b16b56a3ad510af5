/* scan CORE LOW HIGH THREADS: prints how many aligned 8-byte words that a core of 64 bits holds have a value in LOW..HIGH.
 *
 * The plain way to do what `coreinspect refs` does: pread into a small buffer, ask of a block whether any word of it can be one,
 * and look for it only then. Native byte order. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, PIECE = 4 << 20, BLOCK = 256 };

static struct { uint64_t offset, size; } *pieces;
static size_t count;
static atomic_size_t next;
static atomic_uint_fast64_t found;
static uint64_t low, span;
static int core;

static void *scan(void *unused)
{
	uint64_t *words = malloc(BUFFER), hits = 0;
	for (size_t piece; (piece = next++) < count;) {
		for (uint64_t at = 0; at < pieces[piece].size; at += BUFFER) {
			uint64_t left = pieces[piece].size - at;
			ssize_t size = pread(core, words, left < BUFFER ? left : BUFFER, pieces[piece].offset + at);
			for (ssize_t block = 0; block < size / 8; block += BLOCK) {
				ssize_t end = block + BLOCK < size / 8 ? block + BLOCK : size / 8;
				int any = 0;
				for (ssize_t word = block; word < end; word++)
					any |= words[word] - low < span;
				for (ssize_t word = block; any && word < end; word++)
					hits += words[word] - low < span;
			}
		}
	}
	found += hits;
	free(words);
	return unused;
}

int main(int argc, char **argv)
{
	Elf64_Ehdr header;
	if (argc != 5 || (core = open(argv[1], O_RDONLY)) < 0 || pread(core, &header, sizeof header, 0) != sizeof header)
		return 2;
	low = strtoull(argv[2], NULL, 0);
	span = strtoull(argv[3], NULL, 0) - low;
	for (unsigned index = 0; index < header.e_phnum; index++) {
		Elf64_Phdr load;
		if (pread(core, &load, sizeof load, header.e_phoff + index * sizeof load) != sizeof load)
			return 2;
		for (uint64_t at = 0; load.p_type == PT_LOAD && at < load.p_filesz; at += PIECE) {
			pieces = realloc(pieces, ++count * sizeof *pieces);
			pieces[count - 1].offset = load.p_offset + at;
			pieces[count - 1].size = load.p_filesz - at < PIECE ? load.p_filesz - at : PIECE;
		}
	}
	int threads = atoi(argv[4]);
	pthread_t running[threads];
	for (int thread = 0; thread < threads; thread++)
		if (pthread_create(&running[thread], NULL, scan, NULL))
			return 2;
	for (int thread = 0; thread < threads; thread++)
		pthread_join(running[thread], NULL);
	printf("%llu\n", (unsigned long long)found);
}
