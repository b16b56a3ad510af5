/* attach MODE KEY: makes a segment under KEY (8 hex digits) and attaches it in one of the ways of the table below. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "ready.h"

enum { PAGE = 4096, HUGE = 2 << 20 };

static int create(key_t key, size_t size, int flags)
{
	int shmid = shmget(key, size, 0640 | IPC_CREAT | IPC_EXCL | flags);
	if (shmid == -1)
		die("shmget");
	return shmid;
}

static char *attach(int shmid, char *at, int flags)
{
	char *base = shmat(shmid, at, flags);
	if (base == (char *)-1)
		die("shmat");
	return base;
}

static void detach(char *base)
{
	if (shmdt(base))
		die("shmdt");
}

static void check(int failed, const char *what)
{
	if (failed)
		die(what);
}

/* Free addresses for attachments that must lie beside each other. */
static char *neighbourhood(size_t size)
{
	char *p = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(p == MAP_FAILED, "mmap");
	check(munmap(p, size), "munmap");
	return p;
}

/* Flag 2 (read), and a line of text in every page; the first one is the message. */
static void fill(char *p, int pages, const char *text)
{
	for (int page = 0; page < pages; page++)
		snprintf(p + page * PAGE + 1, 64, "%s, page %d", text, page);
	p[0] = 2;
}

static void plain(key_t key)
{
	fill(attach(create(key, 5 * PAGE, 0), NULL, 0), 5, "plain");
}

static void readonly(key_t key)
{
	int shmid = create(key, 5 * PAGE, 0);
	char *p = attach(shmid, NULL, 0);
	fill(p, 5, "readonly");
	detach(p);
	attach(shmid, NULL, SHM_RDONLY);
}

/* A message that runs from the first page, which a kernel core keeps, into the second, which it does not. */
static void readonly_long(key_t key)
{
	int shmid = create(key, 3 * PAGE, 0);
	char *p = attach(shmid, NULL, 0);
	for (int i = 0; i < 6000; i++)
		p[1 + i] = "0123456789abcdef"[i % 16];
	p[0] = 1;
	detach(p);
	attach(shmid, NULL, SHM_RDONLY);
}

static void dontdump(key_t key)
{
	char *p = attach(create(key, 5 * PAGE, 0), NULL, 0);
	fill(p, 5, "dontdump");
	check(madvise(p + PAGE, 2 * PAGE, MADV_DONTDUMP), "madvise");
}

static void two(key_t key)
{
	int shmid = create(key, 5 * PAGE, 0);
	fill(attach(shmid, NULL, 0), 5, "two");
	attach(shmid, NULL, 0);
}

/* The read-only attachment, of which a kernel core keeps one page, lies first. */
static void rw_and_readonly(key_t key)
{
	int shmid = create(key, 5 * PAGE, 0);
	char *free = neighbourhood(11 * PAGE);
	attach(shmid, free, SHM_RDONLY);
	fill(attach(shmid, free + 6 * PAGE, 0), 5, "rw-and-readonly");
}

/* Eight pages, twice. Of the upper attachment page 2 became read-only, 3 unreadable, 5 was unmapped, 6 became
 * read-only and read-write again. The lower one lost pages 0 and 5; its page 7 ends where the upper one begins. */
static void split(key_t key)
{
	int shmid = create(key, 8 * PAGE, 0);
	char *lower = neighbourhood(16 * PAGE), *upper = lower + 8 * PAGE;
	attach(shmid, lower, 0);
	attach(shmid, upper, 0);
	fill(upper, 8, "split");
	check(mprotect(upper + 2 * PAGE, PAGE, PROT_READ), "mprotect");
	check(mprotect(upper + 3 * PAGE, PAGE, PROT_NONE), "mprotect");
	check(munmap(upper + 5 * PAGE, PAGE), "munmap");
	check(mprotect(upper + 6 * PAGE, PAGE, PROT_READ), "mprotect");
	check(mprotect(upper + 6 * PAGE, PAGE, PROT_READ | PROT_WRITE), "mprotect");
	check(munmap(lower, PAGE), "munmap");
	check(munmap(lower + 5 * PAGE, PAGE), "munmap");
}

/* Bytes that are never zero and do not compress: the kernel makes holes of zero pages, which RLIMIT_CORE does not
 * count. */
static void dense(key_t key)
{
	char *p = attach(create(key, 16 * PAGE, 0), NULL, 0);
	uint32_t x = 2463534242;
	for (int i = 0; i < 16 * PAGE; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		p[i] = x | 1;
	}
	strcpy(p + 1, "dense");
	p[0] = 1;
}

static void hugetlb(key_t key)
{
	char *p = attach(create(key, HUGE, SHM_HUGETLB), NULL, 0);
	fill(p, 3, "hugetlb");
	strcpy(p + HUGE - PAGE, "the last page");
}

/* Two segments without a key, already removed, the second of zeros; they abut. */
static void private(key_t key)
{
	int first = create(IPC_PRIVATE, 3 * PAGE, 0), second = create(IPC_PRIVATE, 2 * PAGE, 0);
	char *free = neighbourhood(5 * PAGE);
	(void)key;
	fill(attach(first, free, 0), 3, "private");
	memset(attach(second, free + 3 * PAGE, 0), 0, 2 * PAGE);
	check(shmctl(first, IPC_RMID, NULL), "shmctl");
	check(shmctl(second, IPC_RMID, NULL), "shmctl");
}

/* The name keeps the key that IPC_RMID has taken from the segment; the size is no whole number of pages. */
static void removed(key_t key)
{
	int shmid = create(key, 5000, 0);
	char *p = attach(shmid, NULL, 0);
	strcpy(p + 1, "K\303\244se f\303\274r 2 \342\202\254");
	p[0] = 1;
	check(shmctl(shmid, IPC_RMID, NULL), "shmctl");
}

/* What must not reach a terminal as it is, and no NUL up to the end of the segment. */
static void binary(key_t key)
{
	static const char bytes[] = "\033]0;title\007\033[31mred\033[0m\r\n\t\b\v\177"
				    "\302\205\302\233" "1m\342\200\256sdrawkcab\342\200\254"
				    "\377\376\300\257\355\240\200\342\202";
	char *p = attach(create(key, PAGE, 0), NULL, 0);
	memset(p, '.', PAGE);
	memcpy(p + 1, bytes, sizeof bytes - 1);
	p[0] = 7;
}

static const struct {
	const char *name;
	void (*run)(key_t key);
} modes[] = {
	{ "plain", plain },	 { "readonly", readonly }, { "readonly-long", readonly_long },
	{ "dontdump", dontdump }, { "two", two },	   { "rw-and-readonly", rw_and_readonly },
	{ "split", split },	 { "dense", dense },	   { "hugetlb", hugetlb },
	{ "private", private },	 { "removed", removed },   { "binary", binary },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof modes / sizeof modes[0]; i++)
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run(strtoul(argv[2], NULL, 16));
			ready_and_wait();
		}
	return 2;
}
