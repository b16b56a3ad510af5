/* planted: plants pointers into its segments in every kind of place, says where, and dies with some in its registers. The
 * segments are removed as soon as they are attached: nothing is left of them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

enum { PAGE = 4096, SIZE = 4 * PAGE };

extern void **data_of_library(void), **far_in_library(void);

/* In .data, in .bss on the page of .data, and in .bss far behind the file. */
void *program_data = (void *)1;
static void *program_near;
static void *program_far[0x4000];

static char *first;
static pthread_barrier_t planted;

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static char *attach(int number)
{
	int shmid = shmget(0x4b000000 | number << 20 | (getpid() & 0xfffff), SIZE, IPC_CREAT | IPC_EXCL | 0600);
	check(shmid < 0, "shmget");
	char *base = shmat(shmid, NULL, 0);
	check(shmctl(shmid, IPC_RMID, NULL), "shmctl");
	check(base == (char *)-1, "shmat");
	printf("segment%d %p\n", number, (void *)base);
	return base;
}

static void plant(const char *name, void *volatile *at, size_t offset)
{
	*at = first + offset;
	printf("%s %p\n", name, (void *)at);
}

static void *__attribute__((noinline)) in_thread(void *unused)
{
	void *volatile on_stack[2] = { unused, unused };
	plant("thread_stack", &on_stack[1], 0x310);
	plant("thread_heap", (void **)malloc(200) + 3, 0x320);
	printf("thread %d\n", gettid());
	pthread_barrier_wait(&planted);
	for (;;)
		pause();
	return on_stack[0];
}

static void __attribute__((noinline)) die(void)
{
	void *volatile on_stack[2] = { 0, 0 };
	plant("stack", &on_stack[1], 0x300);
	fflush(stdout);
#if defined __x86_64__
	__asm__ volatile("mov %0, %%r12; mov %1, %%r13; ud2"
			 : : "r"(first + 0x111), "r"(first + 0x222) : "r12", "r13", "memory");
#elif defined __i386__
	__asm__ volatile("mov %0, %%esi; mov %1, %%edi; ud2"
			 : : "r"(first + 0x111), "r"(first + 0x222) : "esi", "edi", "memory");
#endif
	if (first)
		abort();
}

/* Frames in a row, each with its own pointer. */
static int __attribute__((noipa, optimize("no-optimize-sibling-calls"))) deep(int levels)
{
	void *volatile here[3] = { 0, first + 0x400 + levels, 0 };
	if (levels)
		return deep(levels - 1) + (here[0] == 0);
	die();
	return here[2] == 0;
}

/* On the other side of it is the frame that the kernel made for a signal. */
static void handle(int number)
{
	void *volatile here = first + 0x500;
	exit(deep(4) + number + (here == 0));
}

int main(void)
{
	pthread_t thread;
	first = attach(1);
	void **other = (void **)attach(2);

	plant("program_data", &program_data, 0x10);
	plant("program_near", &program_near, 0x20);
	plant("program_far", &program_far[0x3f00], 0x30);
	plant("library_data", data_of_library(), 0x40);
	plant("library_far", far_in_library(), 0x50);
	void **small = malloc(100), **large = malloc(1 << 20), **freed = malloc(5000), **behind = malloc(64);
	printf("small %p\nlarge %p\nfreed %p\n", (void *)small, (void *)large, (void *)freed);
	plant("heap", small + 3, 0x60);
	plant("mapped_heap", large + 1000, 0x70);
	plant("freed_heap", freed + 100, 0x80);
	free(freed);
	plant("behind_heap", behind, 0x88);
	plant("other_segment", other + 5, 0x90);
	void **anonymous = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(anonymous == MAP_FAILED, "mmap");
	plant("anonymous", anonymous + 1, SIZE - sizeof(void *));

	/* What is stored in the segment itself. */
	void **inside = (void **)(first + 0x1000);
	plant("itself", inside, 0x1008);
	inside[2] = small;
	inside[3] = &program_data;
	inside[4] = other + 7;
	void *gone = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(gone == MAP_FAILED || munmap(gone, PAGE), "mmap");
	inside[5] = (char *)gone + 0x40;
	printf("gone %p\n", gone);
	/* What is no pointer. */
	uint32_t *numbers = (uint32_t *)(first + 0x1100);
	for (unsigned number = 0; number < 64; number++)
		numbers[number] = number * 3;
	*(double *)(first + 0x1200) = 3.25;

	/* Not at a multiple of a word's size, and at the very edges. */
	*(void **)((char *)other + 0x803) = first + 0xa0;
	other[64] = first;
	other[65] = first - 1;
	other[66] = first + SIZE - 1;
	other[67] = first + SIZE;

	check(pthread_barrier_init(&planted, NULL, 2) || pthread_create(&thread, NULL, in_thread, NULL), "thread");
	pthread_barrier_wait(&planted);
	printf("main %d\n", getpid());
	void *volatile here = first + 0x600;
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	return here != 0;
}
