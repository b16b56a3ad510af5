/* limits notes CORE | copy FILE OFFSET LENGTH TO | find FILE TEXT... | compare FILE OTHER | capture PID ADDRESS LENGTH TO
 *
 * The least that each job takes in C, without checks: what coreinspect's time is held against.
 *   notes    touches each row and name of NT_FILE (64 bits, native byte order)
 *   copy     copy_file_range(2)
 *   find     memmem(3) over the mapped file, once a text
 *   compare  memcmp(3) of two mapped files
 *   capture  process_vm_readv(2) and write(2), a megabyte at a time
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char *mapped(const char *path, size_t *size)
{
	int file = open(path, O_RDONLY);
	struct stat status;
	if (file < 0 || fstat(file, &status) < 0)
		exit(2);
	*size = status.st_size;
	return mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
}

static uint64_t notes(const char *core)
{
	Elf64_Phdr *load = (void *)(core + ((Elf64_Ehdr *)core)->e_phoff);
	while (load->p_type != PT_NOTE)
		load++;
	const char *note = core + load->p_offset, *end = note + load->p_filesz;
	uint64_t sum = 0;
	while (note < end) {
		const Elf64_Nhdr *header = (void *)note;
		const char *text = note + sizeof *header + ((header->n_namesz + 3) & ~3u);
		if (header->n_type == NT_FILE) {
			const uint64_t *rows = (void *)text, count = rows[0];
			const char *name = (void *)(rows + 2 + 3 * count);
			for (uint64_t row = 0; row < count; row++) {
				sum += rows[2 + 3 * row] + strlen(name);
				name += strlen(name) + 1;
			}
		}
		note = text + ((header->n_descsz + 3) & ~3u);
	}
	return sum;
}

int main(int argc, char **argv)
{
	size_t size, other_size;
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "notes")) {
		printf("%llx\n", (unsigned long long)notes(mapped(argv[2], &size)));
	} else if (!strcmp(argv[1], "copy")) {
		int from = open(argv[2], O_RDONLY), to = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC, 0600);
		off_t offset = strtoll(argv[3], NULL, 0);
		for (ssize_t left = strtoll(argv[4], NULL, 0), done; left > 0; left -= done)
			if ((done = copy_file_range(from, &offset, to, NULL, left, 0)) <= 0)
				return 2;
	} else if (!strcmp(argv[1], "find")) {
		const char *start = mapped(argv[2], &size);
		for (int text = 3; text < argc; text++) {
			size_t length = strlen(argv[text]);
			uint64_t hits = 0;
			for (const char *at = start; (at = memmem(at, start + size - at, argv[text], length)); at++)
				hits++;
			printf("%llu\n", (unsigned long long)hits);
		}
	} else if (!strcmp(argv[1], "compare")) {
		const char *one = mapped(argv[2], &size), *other = mapped(argv[3], &other_size);
		return memcmp(one, other, size < other_size ? size : other_size) != 0;
	} else if (!strcmp(argv[1], "capture")) {
		char *address = (char *)strtoull(argv[3], NULL, 0), *block = malloc(1 << 20);
		int to = open(argv[5], O_WRONLY | O_CREAT | O_TRUNC, 0600);
		for (ssize_t left = strtoll(argv[4], NULL, 0), done; left > 0; left -= done, address += done) {
			struct iovec here = { block, 1 << 20 }, there = { address, left < 1 << 20 ? left : 1 << 20 };
			if ((done = process_vm_readv(atoi(argv[2]), &here, 1, &there, 1, 0)) <= 0 || write(to, block, done) != done)
				return 2;
		}
	} else {
		return 2;
	}
	return 0;
}
