// Fills a segment with objects of C++ classes, says where, and waits to be dumped.
#include <cstdint>
#include <cstdio>
#include <new>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

namespace shapes {

enum class Kind : std::uint8_t { Circle = 1, Square = 2 };

struct Empty {};

struct Base {
    int id = 7;
    static int count;
    void method() {}
    struct Nested {
        short depth = 3;
    };
    Nested nested;
};

int Base::count = 0;

struct Other {
    int id = 8;
};

struct Virtual {
    virtual ~Virtual() {}
    virtual int area() const { return 1; }
    long stamp = 99;
};

template <typename T, int N> struct Buffer {
    T items[N];
    unsigned used : 4;
    bool full : 1;
};

struct Outer {
    class Hidden;
};

class Outer::Hidden {
  public:
    int secret = 5;
};

class Shape : public Virtual, public Empty, public Base, private Other {
  public:
    Kind kind = Kind::Square;
    bool visible = true;
    char16_t wide[4] = u"abc";
    char32_t rune = U'\u20ac';
    wchar_t letters[4] = L"xyz";
    int &reference = Base::count;
    int Base::*member = &Base::id;
    void (Base::*function)() = &Base::method;
    Buffer<int, 3> numbers = {{1, 2, 3}, 9, true};
    Buffer<Buffer<char, 4>, 2> texts = {{{{'o', 'n', 'e', 0}, 1, false}, {{'t', 'w', 'o', 0}, 2, true}}, 3, false};
    union {
        float real = 1.0f;
        unsigned bits;
    };
    Outer::Hidden hidden;
    std::int64_t last = -1;
};

} // namespace shapes

namespace {
struct Anonymous {
    int value = 21;
};
} // namespace

namespace other {
struct Base {
    long different = 1;
};
} // namespace other

Anonymous anonymous;
other::Base other_base;

int main() {
    // gcore does not name the segment whose number is 0, the first of an IPC namespace.
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    if (id == 0) {
        id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
        shmctl(0, IPC_RMID, nullptr);
    }
    void *base = shmat(id, nullptr, 0);
    shmctl(id, IPC_RMID, nullptr);
    new (base) shapes::Shape;
    std::printf("%p\n", base);
    std::fflush(stdout);
    pause();
}
