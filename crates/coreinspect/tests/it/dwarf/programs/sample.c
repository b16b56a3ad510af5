// Fills a segment with a struct of every kind that C has, says where, and waits to be dumped.
#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

enum color { RED, GREEN = 5, BLUE = -1 };
enum size { SMALL = 1, LARGE = 200 } __attribute__((packed));

typedef struct {
    int x, y;
} point_t;

struct node {
    struct node *next;
    int value;
};

struct bits {
    unsigned a : 3;
    int b : 5;
    unsigned c : 17;
    unsigned long long d : 40;
    bool e : 1;
    enum color f : 4;
    unsigned char g : 7;
    short : 0;
    short h : 9;
};

struct __attribute__((packed)) tight {
    char tag;
    int number;
    short half;
    unsigned odd : 11;
    unsigned more : 14;
    double value;
};

struct __attribute__((scalar_storage_order("big-endian"))) swapped {
    unsigned short port;
    unsigned int address;
    unsigned high : 5;
    unsigned low : 27;
};

union number {
    int integer;
    float real;
    unsigned char bytes[4];
};

struct everything {
    char letter;
    signed char small;
    unsigned char byte;
    bool yes;
    short s;
    unsigned short us;
    int i;
    unsigned u;
    long l;
    unsigned long ul;
    long long ll;
    unsigned long long ull;
    float f;
    double d;
    long double ld;
    double complex dc;
    enum color color;
    enum color colors[3];
    enum size size;
    enum color unnamed_value;
    int64_t wide;
    size_t count;
    time_t when;
    char text[16];
    char full[4];
    uint8_t raw[5];
    char names[2][8];
    wchar_t letters[6];
    int grid[2][3];
    point_t points[2];
    point_t lonely;
    struct node node;
    struct node *head;
    void *nothing;
    const char *string;
    int (*function)(int, char);
    struct bits bits;
    struct tight tight;
    struct swapped swapped;
    union number number;
    union {
        int either;
        float or;
    };
    struct {
        int inner;
        struct {
            short innermost;
        };
    };
    volatile int changing;
    const int fixed;
    _Atomic int atomic;
    struct {
        int a;
    } nested[2];
    int none[0];
    unsigned char vector __attribute__((vector_size(8)));
    struct bits many[2];
};

struct flexible {
    int count;
    point_t items[];
};

static struct everything template = {
    .letter = 'A', .small = -7, .byte = 250, .yes = true, .s = -1234, .us = 54321, .i = -123456, .u = 4000000000u,
    .l = -99999, .ul = 3999999999ul, .ll = -1234567890123ll, .ull = 12345678901234567890ull, .f = 1.5f, .d = -2.25,
    .ld = 3.125l, .dc = 1.0, .color = GREEN, .colors = {RED, BLUE, GREEN}, .size = LARGE,
    .unnamed_value = (enum color)77, .wide = -5, .count = 42, .when = 1700000000, .text = "hello, world",
    .full = {'f', 'u', 'l', 'l'}, .raw = {1, 2, 3, 254, 255}, .names = {"one", "two"}, .letters = L"wide",
    .grid = {{1, 2, 3}, {4, 5, 6}}, .points = {{1, -1}, {2, -2}}, .lonely = {8, 9}, .node = {(void *)0x1234, 17},
    .head = (void *)0xdead0, .nothing = 0, .string = (void *)0x4444, .function = (void *)0x5555,
    .bits = {5, -9, 99999, 0x9876543210ull, true, GREEN, 101, -200}, .tight = {'t', 0x01020304, -3, 1999, 12345, 0.5},
    .swapped = {8080, 0x7f000001, 21, 0x7654321}, .number = {.integer = 0x40490fdb}, .either = 1078530011,
    .inner = 11, .innermost = 12, .changing = 13, .fixed = 14, .atomic = 15, .nested = {{16}, {17}},
    .vector = {1, 2, 3, 4, 5, 6, 7, 8}, .many = {{1, 1, 1, 1, 1, 1, 1, 1}, {7, -1, 131071, 1099511627775, 0, BLUE, 127, -1}},
};

// Kept, so that their types are described.
union number keep_number;
struct flexible *keep_flexible;

int main(void) {
    // Whatever limit the tests run under.
    setrlimit(RLIMIT_CORE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
    // gcore does not name the segment whose number is 0, the first of an IPC namespace.
    int id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
    if (id == 0) {
        id = shmget(IPC_PRIVATE, 8192, IPC_CREAT | 0600);
        shmctl(0, IPC_RMID, NULL);
    }
    char *base = shmat(id, NULL, 0);
    // It goes with the process, whatever becomes of it.
    shmctl(id, IPC_RMID, NULL);
    memcpy(base, &template, sizeof template);
    keep_flexible = (struct flexible *)(base + 4096);
    keep_flexible->count = 3;
    for (int i = 0; i < 3; i++)
        keep_flexible->items[i] = (point_t){i, -i};
    // Left as a dead process leaves it: the truth about the bytes is what gdb reads of the same dump.
    printf("%p\n", (void *)base);
    fflush(stdout);
    pause();
}
