/* A ring of processes: each holds a robust mutex in shared memory and waits for that of the next. The parent says what is where, and
   lets them wait until it is told to go on, or dies. With "die", the holder of the first dies first and nobody waits for anything. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    pthread_mutex_t locks[8];
    int held;
};

__attribute__((noinline)) static void take(pthread_mutex_t *lock) {
    pthread_mutex_lock(lock);
}

static int sleeps(int pid) {
    char path[64], text[256], *state;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file) fclose(file);
    text[length] = 0;
    state = strrchr(text, ')');
    return state && (state[2] == 'S' || state[2] == 'Z');
}

int main(int count, char **arguments) {
    (void)count;
    int members = atoi(arguments[2]), robust = !strcmp(arguments[3], "robust"), dies = !strcmp(arguments[4], "dies");
    int id = shmget((key_t)strtoul(arguments[1], NULL, 0), sizeof(struct shared), IPC_CREAT | IPC_EXCL | 0600);
    struct shared *shared = shmat(id, NULL, 0);
    if (shared == (void *)-1) return 1;
    shmctl(id, IPC_RMID, NULL);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (robust) pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    for (int at = 0; at < members; at++) pthread_mutex_init(&shared->locks[at], &attributes);
    int pids[8];
    for (int at = 0; at < members; at++) {
        pids[at] = fork();
        if (pids[at]) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pthread_mutex_lock(&shared->locks[at]);
        __atomic_fetch_add(&shared->held, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&shared->held, __ATOMIC_SEQ_CST) < members) usleep(1000);
        if (dies && at == 0) _exit(0);
        take(&shared->locks[(at + 1) % members]);
        pause();
    }
    while (__atomic_load_n(&shared->held, __ATOMIC_SEQ_CST) < members) usleep(1000);
    usleep(100000);
    for (int at = 0; at < members; at++) {
        while (!sleeps(pids[at])) usleep(1000);
        printf("member%d %d\nat%d %#zx\n", at, pids[at], at, offsetof(struct shared, locks[at]));
    }
    printf("segment %p\nready\n", (void *)shared);
    fflush(stdout);
    getchar();
    for (int at = 0; at < members; at++) kill(pids[at], SIGKILL);
    for (int at = 0; at < members; at++) waitpid(pids[at], NULL, 0);
    return 0;
}
