/* Locks of every kind in a System V segment, each held by the main thread and waited for by a thread of its own. The program says
   where each is, which thread waits, and who holds it; then it waits to be dumped, or dies by itself if its argument is "die". */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* linux/futex.h, which not every C library has beside it. */
#define FUTEX_WAIT 0

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif

struct shared {
    long head[3];
    pthread_mutex_t plain, recursive, checking, adaptive, robust, inheriting, both, timed, unused;
    pthread_rwlock_t written, read;
    pthread_cond_t condition;
    pthread_mutex_t of_condition;
    pthread_barrier_t barrier;
    sem_t semaphore;
    int word;
};

static struct shared *shared;
static int semaphores, queue;
static int here[32];

static void make(pthread_mutex_t *mutex, int type, int robust, int protocol) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_settype(&attributes, type);
    if (robust) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (protocol && pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT)) return;
    pthread_mutex_init(mutex, &attributes);
}

static struct timespec later(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    time.tv_sec += 600;
    return time;
}

__attribute__((noinline)) static void wait_in(int what) {
    here[what] = syscall(SYS_gettid);
    struct timespec until = later();
    struct sembuf down = { 1, -2, 0 };
    struct { long type; char text[8]; } message;
    switch (what) {
    case 0: pthread_mutex_lock(&shared->plain); break;
    case 1: pthread_mutex_lock(&shared->recursive); break;
    case 2: pthread_mutex_lock(&shared->checking); break;
    case 3: pthread_mutex_lock(&shared->robust); break;
    case 4: pthread_mutex_lock(&shared->inheriting); break;
    case 5: pthread_mutex_lock(&shared->both); break;
    case 6: pthread_mutex_timedlock(&shared->timed, &until); break;
    case 7: pthread_rwlock_rdlock(&shared->written); break;
    case 8: pthread_rwlock_wrlock(&shared->read); break;
    case 9:
        pthread_mutex_lock(&shared->of_condition);
        pthread_cond_wait(&shared->condition, &shared->of_condition);
        break;
    case 10: pthread_barrier_wait(&shared->barrier); break;
    case 11: sem_wait(&shared->semaphore); break;
    case 12: syscall(SYS_futex, &shared->word, FUTEX_WAIT, 7, NULL, NULL, 0); break;
    case 13: while (semop(semaphores, &down, 1)) if (errno != EINTR) break; break;
    case 14: while (msgrcv(queue, &message, 8, 1, 0) < 0) if (errno != EINTR) break; break;
    default: break;
    }
}

static void *waiter(void *what) {
    wait_in((int)(long)what);
    return NULL;
}

static int sleeps(int tid) {
    char path[64], text[256], *state;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[length] = 0;
    state = strrchr(text, ')');
    return state && state[2] == 'S';
}

static const char *const names[] = {
    "plain", "recursive", "checking", "robust", "inheriting", "both", "timed", "written", "read", "condition",
    "barrier", "semaphore", "word", "semop", "msgrcv",
};

int main(int count, char **arguments) {
    key_t key = count > 1 ? (key_t)strtoul(arguments[1], NULL, 0) : IPC_PRIVATE;
    int id = shmget(key, sizeof *shared, IPC_CREAT | IPC_EXCL | 0600);
    shared = shmat(id, NULL, 0);
    if (shared == (void *)-1) return 1;
    shmctl(id, IPC_RMID, NULL);
    semaphores = semget(IPC_PRIVATE, 2, 0600);
    queue = msgget(IPC_PRIVATE, 0600);
    make(&shared->plain, PTHREAD_MUTEX_NORMAL, 0, 0);
    make(&shared->recursive, PTHREAD_MUTEX_RECURSIVE, 0, 0);
    make(&shared->checking, PTHREAD_MUTEX_ERRORCHECK, 0, 0);
    make(&shared->adaptive, PTHREAD_MUTEX_NORMAL, 1, 0);
    make(&shared->robust, PTHREAD_MUTEX_NORMAL, 1, 0);
    make(&shared->inheriting, PTHREAD_MUTEX_NORMAL, 0, 1);
    make(&shared->both, PTHREAD_MUTEX_RECURSIVE, 1, 1);
    make(&shared->timed, PTHREAD_MUTEX_NORMAL, 0, 0);
    make(&shared->unused, PTHREAD_MUTEX_NORMAL, 1, 0);
    make(&shared->of_condition, PTHREAD_MUTEX_NORMAL, 0, 0);
    pthread_rwlockattr_t readers;
    pthread_rwlockattr_init(&readers);
    pthread_rwlockattr_setpshared(&readers, PTHREAD_PROCESS_SHARED);
    pthread_rwlock_init(&shared->written, &readers);
    pthread_rwlock_init(&shared->read, &readers);
    pthread_condattr_t waiters;
    pthread_condattr_init(&waiters);
    pthread_condattr_setpshared(&waiters, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->condition, &waiters);
    pthread_barrierattr_t all;
    pthread_barrierattr_init(&all);
    pthread_barrierattr_setpshared(&all, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &all, 3);
    sem_init(&shared->semaphore, 1, 0);
    shared->word = 7;
    pthread_mutex_lock(&shared->plain);
    pthread_mutex_lock(&shared->recursive);
    pthread_mutex_lock(&shared->recursive);
    pthread_mutex_lock(&shared->checking);
    pthread_mutex_lock(&shared->adaptive);
    pthread_mutex_lock(&shared->robust);
    pthread_mutex_lock(&shared->inheriting);
    pthread_mutex_lock(&shared->both);
    pthread_mutex_lock(&shared->timed);
    pthread_rwlock_wrlock(&shared->written);
    pthread_rwlock_rdlock(&shared->read);
    for (long what = 0; what < 15; what++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, waiter, (void *)what)) return 1;
    }
    for (int what = 0; what < 15; what++)
        while (!here[what] || !sleeps(here[what])) usleep(1000);
    usleep(50000);
    for (int what = 0; what < 15; what++) printf("%s %d\n", names[what], here[what]);
    printf("main %d\nsegment %p\nsemid %d\nmsqid %d\n", (int)syscall(SYS_gettid), (void *)shared, semaphores, queue);
#define AT(field) printf("at_" #field " %#zx\n", offsetof(struct shared, field))
    AT(plain), AT(recursive), AT(checking), AT(adaptive), AT(robust), AT(inheriting), AT(both), AT(timed), AT(unused);
    AT(written), AT(read), AT(condition), AT(barrier), AT(semaphore), AT(word);
    puts("ready");
    fflush(stdout);
    /* Who runs it removes the semaphores and the queue then. */
    if (count > 2 && !strcmp(arguments[2], "die")) abort();
    getchar();
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    _exit(0);
}
