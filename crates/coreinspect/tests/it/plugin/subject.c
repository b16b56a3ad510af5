/* A segment with a queue in it, whose second page is left out of dumps: `subject KEY FILE` attaches, removes the segment, makes
   FILE with the address in it, and waits. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>

struct item { int id; char name[12]; double weight; };
struct queue { unsigned magic, count; struct item items[2]; unsigned flags : 3, rest : 29; struct queue *self; };
struct page { struct queue queue; char padding[4096 - sizeof(struct queue)]; unsigned behind; struct item last; };
typedef struct page page_t;
struct half { int id; char name[8]; };
/* From offset 3996 on: eight whole elements, one cut in two by the end of the first page, and those of the second. */
struct log { struct half entries[20]; int counts[2][6]; unsigned low : 4, high : 12; };

page_t *page;
struct log *no_log;

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    prctl(PR_SET_PDEATHSIG, 9);
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    int id = shmget((key_t)strtoul(argv[1], NULL, 16), 3 * 4096, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0) return 3;
    page = shmat(id, NULL, 0);
    shmctl(id, IPC_RMID, NULL);
    if (page == (void *)-1) return 4;
    struct queue queue = {0xfeedbeef, 2, {{1, "first", 1.5}, {2, "second", 2.5}}, 5, 7, &page->queue};
    page->queue = queue;
    struct log *log = (struct log *)((char *)page + 3996);
    for (int i = 0; i < 20; i++) log->entries[i] = (struct half){100 + i, "entry"};
    log->counts[1][5] = 77;
    page->behind = 99;
    madvise((char *)page + 4096, 4096, MADV_DONTDUMP);
    FILE *file = fopen(argv[2], "w");
    fprintf(file, "%p", (void *)page);
    fclose(file);
    pause();
    return 0;
}
