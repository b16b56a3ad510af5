/* Fills a segment as a program would, says what it has put where, and waits to be dumped. Argument: the key. */
#include <inttypes.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

struct entry {
    uint64_t sequence;
    uint32_t state;
    uint32_t length;
    time_t changed;
    struct entry *next;
    void *owner;
    double load;
    char name[24];
};

struct queue {
    char magic[8];
    uint32_t version;
    uint32_t capacity;
    time_t started;
    struct entry *head;
    int (*compare)(const char *, const char *);
    char host[40];
    struct entry entries[80];
};

static int compare_names(const char *one, const char *other) { return strcmp(one, other); }

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    int id = shmget((key_t)strtoul(argv[1], NULL, 0), 64 * 1024, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0) {
        perror("shmget");
        return 1;
    }
    struct queue *queue = shmat(id, NULL, 0);
    /* It goes with the process, however that ends. */
    shmctl(id, IPC_RMID, NULL);
    if (queue == (void *)-1)
        return 1;
    /* Not the clock's: some of its seconds are letters, byte by byte. */
    time_t now = 1790000000;
    memcpy(queue->magic, "WORKQ\0\x01\x02", 8);
    queue->version = 3;
    queue->capacity = 80;
    queue->started = now - 1000;
    queue->head = &queue->entries[5];
    queue->compare = compare_names;
    strcpy(queue->host, "build-host.example.org");
    srand(42);
    for (int i = 0; i < 80; i++) {
        struct entry *entry = &queue->entries[i];
        entry->sequence = 1700 + i;
        entry->state = rand() % 4;
        entry->length = rand() % 3000;
        entry->changed = now - rand() % 900;
        entry->next = &queue->entries[rand() % 80];
        entry->owner = malloc(100);
        entry->load = rand() / 1e9;
        snprintf(entry->name, sizeof entry->name, "worker %d of host", rand() % 1000);
    }
    printf("shmid %d\n", id);
    printf("stride %zu\n", sizeof(struct entry));
    printf("entries %zu\n", offsetof(struct queue, entries));
    printf("sequence %zu\n", offsetof(struct entry, sequence));
    printf("changed %zu\n", offsetof(struct entry, changed));
    printf("time_bytes %zu\n", sizeof(time_t));
    printf("first_changed %jd\n", (intmax_t)queue->entries[0].changed);
    printf("last_changed %jd\n", (intmax_t)queue->entries[79].changed);
    printf("next %zu\n", offsetof(struct entry, next));
    printf("first_next %zu\n", (size_t)((char *)queue->entries[0].next - (char *)queue));
    printf("owner %zu\n", offsetof(struct entry, owner));
    printf("name %zu\n", offsetof(struct entry, name));
    printf("first_name %s\n", queue->entries[0].name);
    printf("host %zu\n", offsetof(struct queue, host));
    printf("started %zu\n", offsetof(struct queue, started));
    printf("started_at %jd\n", (intmax_t)queue->started);
    printf("head %zu\n", offsetof(struct queue, head));
    printf("head_at %zu\n", (size_t)((char *)queue->head - (char *)queue));
    printf("compare %zu\n", offsetof(struct queue, compare));
    printf("compare_at %p\n", (void *)queue->compare);
    puts("ready");
    fflush(stdout);
    /* Until the test closes the pipe. */
    char byte;
    return (int)read(0, &byte, 1);
}
