/* stacks CASE: puts pointers into a segment on stacks of every kind, beside them, in thread-local variables and in blocks that are
 * given back, says where each is, and dies. The segment is removed as soon as it is attached. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, STACK = 16 * PAGE };

static char *segment;
static __thread void *volatile local;
static struct {
	void *volatile before;
	char stack[STACK] __attribute__((aligned(16)));
	void *volatile after;
} in_program;
static ucontext_t back, coroutine;
static pthread_barrier_t ready;

static void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

static void plant(const char *name, void *volatile *at, unsigned offset)
{
	*at = segment + offset;
	printf("%s %p\n", name, (void *)at);
}

static void __attribute__((noinline)) die(int number)
{
	void *volatile here[2] = { 0, 0 };
	plant("innermost", &here[1], 0x10);
	fflush(stdout);
	if (segment)
		abort();
	(void)number;
}

static void __attribute__((noinline)) raise_again(int number)
{
	void *volatile here[2] = { 0, 0 };
	plant("first_handler", &here[1], 0x18);
	raise(SIGUSR2);
	(void)number;
}

/* The code that a signal, or a coroutine, interrupts. */
static void __attribute__((noinline)) work(const char *kind, char *stack)
{
	void *volatile here[2] = { 0, 0 };
	plant("work", &here[1], 0x20);
	if (!strncmp(kind, "coroutine", 9)) {
		check(getcontext(&coroutine), "getcontext");
		coroutine.uc_stack.ss_sp = stack;
		coroutine.uc_stack.ss_size = STACK;
		coroutine.uc_link = &back;
		makecontext(&coroutine, (void (*)(void))die, 1, 0);
		swapcontext(&back, &coroutine);
	} else {
		raise(SIGUSR1);
	}
	here[0] = here[1];
}

static void *in_thread(void *unused)
{
	plant("thread_local", &local, 0x30);
	printf("thread %d\n", gettid());
	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return unused;
}

/* Blocks that were given back: of one size seven are kept by the thread, the next by a fastbin. */
static void give_back(void)
{
	void **blocks[12], **large = malloc(1000);
	for (int index = 0; index < 12; index++)
		blocks[index] = malloc(40);
	void **behind = malloc(40);
	plant("kept_large", large + 3, 0x40);
	plant("kept_by_thread", blocks[3] + 3, 0x48);
	plant("kept_by_fastbin", blocks[9] + 3, 0x50);
	plant("in_use", behind + 3, 0x58);
	free(large);
	for (int index = 0; index < 12; index++)
		free(blocks[index]);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "";
	pthread_t thread;
	int shmid = shmget(0x4c000000 | (getpid() & 0xffffff), PAGE, IPC_CREAT | IPC_EXCL | 0600);
	check(shmid < 0, "shmget");
	segment = shmat(shmid, NULL, 0);
	check(shmctl(shmid, IPC_RMID, NULL), "shmctl");
	check(segment == (char *)-1, "shmat");
	printf("segment %p\nmain %d\n", (void *)segment, getpid());

	void *volatile here[2] = { 0, 0 };
	plant("main_stack", &here[1], 0x60);
	plant("main_local", &local, 0x68);
	check(pthread_barrier_init(&ready, NULL, 2) || pthread_create(&thread, NULL, in_thread, NULL), "thread");
	pthread_barrier_wait(&ready);

	char *stack = in_program.stack;
	void *volatile *before = &in_program.before, *volatile *after = &in_program.after;
	if (strstr(kind, "heap")) {
		before = malloc(64);
		stack = malloc(STACK);
		after = malloc(64);
	} else if (strstr(kind, "mapped")) {
		char *all = mmap(NULL, STACK + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(all == MAP_FAILED, "mmap");
		before = (void *volatile *)all;
		stack = all + PAGE;
		after = (void *volatile *)(all + PAGE + STACK);
	}
	plant("before", before, 0x70);
	plant("after", after, 0x78);
	printf("stack %p\n", (void *)stack);
	give_back();
	if (strncmp(kind, "coroutine", 9)) {
		stack_t alternate = { .ss_sp = stack, .ss_size = STACK };
		struct sigaction first = { .sa_handler = strstr(kind, "nested") ? raise_again : die, .sa_flags = SA_ONSTACK };
		if (!strstr(kind, "nested"))
			first.sa_flags |= SA_SIGINFO; /* i386 has a frame of its own for it, with uc_stack */
		struct sigaction second = { .sa_handler = die };
		check(sigaltstack(&alternate, NULL), "sigaltstack");
		check(sigaction(SIGUSR1, &first, NULL) || sigaction(SIGUSR2, &second, NULL), "sigaction");
	}
	work(kind, stack);
	return here[0] != 0;
}
