/* Maps shared memory of every kind in every way that a dump's writer tells apart, says where, and waits.
 *
 * usage: subject FOLDER TAG
 * FOLDER is an empty folder of a disk; TAG makes the names in /dev/shm its own. A line each: WHAT START LENGTH. Each page of
 * what can be written holds its WHAT. After "ready" it aborts at the first byte of standard input, and ends at its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES (3 * 4096UL)
#define HUGE (2UL << 20)

static void said(const char *what, char *at, size_t length)
{
	if (at == MAP_FAILED) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		return;
	}
	printf("%s %#lx %zu\n", what, (unsigned long)at, length);
}

static void fill(char *at, size_t length, const char *what)
{
	if (at != MAP_FAILED)
		for (size_t page = 0; page < length; page += 4096)
			strcpy(at + page, what);
}

enum { WRITABLE, OPENED_READ_ONLY, MAPPED_READ_ONLY, DONTDUMP, WAYS };
static const char *const way_names[] = { "writable", "opened-read-only", "mapped-read-only", "dontdump" };

/* Maps the file that fd is open for, in each way; a second descriptor is opened read-only through /proc. */
static void in_a_way(const char *kind, int fd, size_t length, int way)
{
	char what[64], path[64];
	snprintf(what, sizeof what, "%s/%s", kind, way_names[way]);
	if (fd < 0 || ftruncate(fd, length)) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		return;
	}
	char *all = mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fill(all, length, what);
	if (way == OPENED_READ_ONLY || way == MAPPED_READ_ONLY) {
		if (way == OPENED_READ_ONLY) {
			snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
			fd = open(path, O_RDONLY);
		}
		munmap(all, length);
		all = mmap(0, length, PROT_READ, MAP_SHARED, fd, 0);
	}
	if (way == DONTDUMP)
		madvise(all, length, MADV_DONTDUMP);
	said(what, all, length);
	close(fd);
}

int main(int count, char **arguments)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	const char *folder = count > 1 ? arguments[1] : ".", *tag = count > 2 ? arguments[2] : "x";
	char path[4096], name[256], mount_point[4096];
	setrlimit(RLIMIT_CORE, &unlimited);

	/* A mount of its own, which nobody else sees. */
	snprintf(mount_point, sizeof mount_point, "%s/hugepages", folder);
	mkdir(mount_point, 0700);
	int mounted = !unshare(CLONE_NEWNS) && !mount(0, "/", 0, MS_REC | MS_PRIVATE, 0) &&
		      !mount("none", mount_point, "hugetlbfs", 0, 0);

	for (int way = 0; way < WAYS; way++) {
		snprintf(name, sizeof name, "/%s-posix-%d", tag, way);
		in_a_way("posix", shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), PAGES, way);
		snprintf(name, sizeof name, "/%s-unlinked-%d", tag, way);
		int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
		shm_unlink(name);
		in_a_way("posix-unlinked", fd, PAGES, way);
		snprintf(name, sizeof name, "/%s-executable-%d", tag, way);
		in_a_way("posix-executable", shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0700), PAGES, way);
		in_a_way("memfd", memfd_create("same name", 0), PAGES, way);
		in_a_way("memfd-huge", memfd_create("huge", MFD_HUGETLB), HUGE, way);
		snprintf(path, sizeof path, "%s/file-%d", folder, way);
		in_a_way("file", open(path, O_CREAT | O_EXCL | O_RDWR, 0600), PAGES, way);
		snprintf(path, sizeof path, "%s/file-unlinked-%d", folder, way);
		fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
		unlink(path);
		in_a_way("file-unlinked", fd, PAGES, way);
		if (mounted) {
			snprintf(path, sizeof path, "%s/file-%d", mount_point, way);
			in_a_way("hugetlbfs", open(path, O_CREAT | O_EXCL | O_RDWR, 0600), HUGE, way);
		}
		if (way == OPENED_READ_ONLY)
			continue;
		for (int huge = 0; huge < 2; huge++) {
			char what[64];
			size_t length = huge ? HUGE : PAGES;
			snprintf(what, sizeof what, "anonymous%s/%s", huge ? "-huge" : "", way_names[way]);
			char *at = mmap(0, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0), -1, 0);
			fill(at, length, what);
			if (at != MAP_FAILED && way == MAPPED_READ_ONLY)
				mprotect(at, length, PROT_READ);
			if (at != MAP_FAILED && way == DONTDUMP)
				madvise(at, length, MADV_DONTDUMP);
			said(what, at, length);
		}
	}
	for (int way = 0; way < WAYS; way++) {
		char what[64];
		snprintf(what, sizeof what, "sysv/%s", way_names[way]);
		int id = shmget(IPC_PRIVATE, PAGES, IPC_CREAT | 0600);
		char *at = shmat(id, 0, 0);
		fill(at, PAGES, what);
		if (way == OPENED_READ_ONLY) {
			shmdt(at);
			at = shmat(id, 0, SHM_RDONLY);
		}
		if (way == MAPPED_READ_ONLY)
			mprotect(at, PAGES, PROT_READ);
		if (way == DONTDUMP)
			madvise(at, PAGES, MADV_DONTDUMP);
		shmctl(id, IPC_RMID, 0);
		said(what, at, PAGES);
	}
	puts("ready");
	fflush(stdout);
	if (getchar() != EOF)
		abort();
	return 0;
}
