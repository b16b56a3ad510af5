// Segments of programs that Debian does not have, written with the structs that their own sources declare.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>

// eclipse-openj9/openj9@724852a: runtime/oti/shchelp.h, runtime/shared_common/OSCache.hpp and OSCachesysv.hpp.
struct shared_class_version {
    uint32_t major, minor, modlevel, addrmode, cache_type, feature;
};
struct shared_class_header {
    char eyecatcher[5];
    struct {
        struct shared_class_version version;
        uint32_t size;
        int32_t data_start; // from itself
        uint32_t data_length, generation, init_complete;
        uint64_t build_id;
        uint32_t unused32[5];
        uint64_t create_time, unused64[4];
    } cache;
    uint32_t in_default_control_dir;
    int32_t attached_semid;
    uint32_t unused32[4];
    uint64_t unused64[5];
};

// IPC::Shm::Simple's sharelite.h: a header in every segment, a descriptor in the first.
struct simple {
    uint32_t magic;
    int32_t next_shmid, semid, perms, serial;
    uint32_t length, chunks, size_top, size_chunk;
    char data[];
};

static void *segment(int key, size_t size) {
    return shmat(shmget(key, size, IPC_CREAT | 0600), NULL, 0);
}

int main(void) {
    size_t size = 1 << 20;
    struct shared_class_header *classes = segment(0x61001234, size);
    memcpy(classes->eyecatcher, "J9SC", 4);
    classes->cache.version = (struct shared_class_version){2, 45, 17, 64, 2, 1};
    classes->cache.size = size;
    classes->cache.data_start = (char *)(classes + 1) - (char *)&classes->cache.data_start;
    classes->cache.data_length = size - sizeof *classes;
    classes->cache.generation = 45;
    classes->cache.init_complete = 1;
    classes->cache.build_id = 0x0123456789abcdef;
    classes->cache.create_time = 1700000000000000000;
    classes->attached_semid = 42;

    struct simple *simple = segment(0x4c524550, 4096);
    *simple = (struct simple){0x4c524550, -1, 7, 0660, 3, 5, 0, 4096, 4096};
    memcpy(simple->data, "hello", 5);

    puts("ready");
    fflush(stdout);
    getchar();
}
